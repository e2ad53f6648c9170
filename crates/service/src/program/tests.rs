use std::convert::Infallible;

use super::*;

/// What it can do.
#[derive(Debug, PartialEq, Subcommand)]
enum Own {
    /// Imports a file
    Importar { arquivo: String },
}

const PORT: Setting =
    Setting { name: "PORT", default: Some("80"), should_be: "a number", about: "its port" };
const PROGRAM: Program = Program {
    name: "program",
    about: "a test",
    settings: &[PORT],
    id: ("port", PORT),
    http_addr: PORT,
};

fn asked(arguments: &[&str]) -> Result<Asked<Own>, clap::Error> {
    PROGRAM.asked(["program"].iter().chain(arguments).map(OsString::from))
}

#[test]
fn the_command_line_is_one_subcommand_or_none() {
    assert!(matches!(asked(&[]), Ok(Asked::Run)));
    assert!(matches!(asked(&["healthcheck"]), Ok(Asked::Common(Common::Healthcheck))));
    let own = Own::Importar { arquivo: "postos.csv".to_owned() };
    let Ok(Asked::Subcommand(found)) = asked(&["importar", "postos.csv"]) else {
        panic!("no subcommand");
    };
    assert_eq!(found, own);
    let help = asked(&["--help"]).err().expect("a text").to_string();
    for listed in ["importar", "Imports a file", "healthcheck", "PORT"] {
        assert!(help.contains(listed), "{listed} is not in {help}");
    }
    for flag in ["--help", "-h"] {
        let help = asked(&[flag]).err().expect("a text").to_string();
        assert!(help.starts_with("a test\n"), "it does not say first what it is: {help}");
    }
}

#[test]
fn a_wrong_command_line_is_refused_with_one_line() {
    for (arguments, reason) in [
        (&["importer"][..], "unrecognized subcommand 'importer'"),
        (&["--verbose"], "unexpected argument '--verbose' found"),
        (&["importar"], "the following required arguments were not provided: <ARQUIVO>"),
        (&["importar", "a", "b"], "unexpected argument 'b' found"),
    ] {
        let wrong = asked(arguments).err().expect("it is wrong");
        assert_eq!(PROGRAM.one_line(&wrong), format!("{reason}; see program --help"));
    }
}

#[test]
fn help_lists_each_setting_with_its_default_or_what_it_should_be() {
    const ID: Setting =
        Setting { name: "ID", default: None, should_be: "a word", about: "its name" };
    let program = Program { settings: &[ID, PORT], id: ("id", ID), ..PROGRAM };
    let help = program.command::<Infallible>().render_help().to_string();
    let (_, settings) = help.split_once("from the environment:\n").expect("a list of settings");
    assert_eq!(
        settings.trim_end(),
        "  ID                    its name (required: a word)\n\
         \x20 PORT                  its port (default: 80)"
    );
}

//! Which names `usuario` takes, and how it refuses the others.

use domain::Placa;

use crate::harness::doors::{Doors, Shell, text};
use crate::users::{enters, users_file};

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    let long = "a".repeat(65);
    let digits = "9".repeat(19);
    let cases: &[(&[&str], &str)] = &[
        (&[], "usuario novo gateway ID"),
        (&["nova"], "'nova' não existe"),
        (&["novo"], "argumentos errados"),
        (&["novo", "gateway"], "argumentos errados"),
        (&["novo", "admin", "x"], "deve ser gateway, servidor, app, carro ou carregador"),
        (&["novo", "Gateway", "x"], "deve ser gateway"),
        (&["novo", "", "x"], "deve ser gateway"),
        (&["novo", "gateway", ""], "de 1 a 64"),
        (&["novo", "gateway", &long], "de 1 a 64"),
        (&["novo", "gateway", "a.b"], "de 1 a 64"),
        (&["novo", "gateway", "a b"], "de 1 a 64"),
        (&["novo", "gateway", "a/b"], "de 1 a 64"),
        (&["novo", "gateway", "+"], "de 1 a 64"),
        (&["novo", "gateway", "#"], "de 1 a 64"),
        (&["novo", "gateway", "a:b"], "de 1 a 64"),
        (&["novo", "gateway", "a\n"], "de 1 a 64"),
        (&["novo", "gateway", "a\nb"], "de 1 a 64"),
        (&["novo", "gateway", "a\u{1b}[2J"], "'a??2J'"),
        (&["novo", "gateway", "é"], "de 1 a 64"),
        (&["novo", "gateway", "a", "b"], "um ID só"),
        (&["novo", "gateway", "cliente3"], "usuario senha gateway.cliente3"),
        (&["novo", "app", "cliente3"], "leriam as respostas um do outro"),
        (&["novo", "gateway", "app1"], "leriam as respostas um do outro"),
        (&["novo", "servidor", "postos"], "todos os servidores"),
        (&["novo", "carregador", "postos", "7"], "todos os servidores"),
        (&["novo", "carregador", "server1"], "falta o posto"),
        (&["novo", "carregador", "server1", "7", "8", "9"], "argumentos errados"),
        (&["novo", "carregador", "x", "server1", "7"], "usuario novo carregador SERVIDOR POSTO"),
        (&["novo", "carregador", "server1", "0"], "número de um posto"),
        (&["novo", "carregador", "server1", "07"], "número de um posto"),
        (&["novo", "carregador", "server1", "-7"], "número de um posto"),
        (&["novo", "carregador", "server1", "7.5"], "número de um posto"),
        (&["novo", "carregador", "server1", "7\n"], "número de um posto"),
        (&["novo", "carregador", "server1", &digits], "número de um posto"),
        (&["novo", "carregador", "server1."], "número de um posto"),
        (&["novo", "carregador", "ser/ver1.7"], "de 1 a 64"),
        (&["novo", "carro", "AB12"], "5 a 8"),
        (&["senha"], "argumentos errados"),
        (&["senha", "cliente3"], "PAPEL.ID"),
        (&["senha", "gateway.cliente4"], "não há usuário"),
        (&["senha", "gateway.Cliente3"], "não há usuário"),
        (&["senha", "gateway.cliente."], "de 1 a 64"),
        (&["remover", ".*"], "deve ser gateway"),
        (&["remover", "gateway.cliente3", "app.app1"], "argumentos errados"),
        (&["listar", "tudo"], "argumentos errados"),
        (&["recarregar", "tudo"], "argumentos errados"),
    ];
    for shell in [Shell::System, Shell::Busybox] {
        let doors = Doors::prepared(shell, &[]);
        doors.new_user(&["gateway", "cliente3"]);
        doors.new_user(&["app", "app1"]);
        let before = users_file(&doors);
        for (arguments, said) in cases {
            let output = doors.usuario(arguments);
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
            assert!(errors.contains(said), "{arguments:?}: {errors}");
            assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
            assert!(!errors.contains('\u{1b}'), "{errors}");
        }
        assert_eq!(users_file(&doors), before);
        assert!(text(&doors.usuario(&["--help"]).stdout).contains("usuario recarregar"));
    }
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn what_looks_odd_and_is_right_is_taken() {
    let doors = Doors::open().await;
    let long = "a".repeat(64);
    for (arguments, name) in [
        (vec!["gateway", "-n"], "gateway.-n"),
        (vec!["gateway", "--help"], "gateway.--help"),
        (vec!["gateway", "_"], "gateway._"),
        (vec!["gateway", &long], &*format!("gateway.{long}")),
        (vec!["gateway", "Cliente3"], "gateway.Cliente3"),
        (vec!["gateway", "cliente3"], "gateway.cliente3"),
        (vec!["servidor", "cliente3"], "servidor.cliente3"),
        (vec!["carregador", "server1", "7"], "carregador.server1.7"),
        (vec!["carregador", "server1.8"], "carregador.server1.8"),
        (vec!["carregador", "server1.9", "server1", "9"], "carregador.server1.9"),
        (vec!["carro", "abc-1d23"], "carro.ABC1D23"),
    ] {
        let user = doors.new_user(&arguments);
        assert_eq!(user.name, name);
        assert!(enters(&doors, &user.connect()).await, "{name}");
    }
    // A carro is found by its placa however it is written.
    assert!(doors.usuario(&["remover", "carro.ABC 1D23"]).status.success());
}

/// Hyphens and blanks as keyboards produce them, characters beside those, and what is no UTF-8.
#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn placas_are_read_as_the_domain_reads_them() {
    let mut written: Vec<String> = [
        0x09, 0x0a, 0x0d, 0x20, 0x2d, 0x85, 0xa0, 0xad, 0x1680, 0x180e, 0x2000, 0x200b, 0x2010,
        0x2013, 0x2014, 0x2015, 0x2028, 0x202f, 0x2043, 0x205f, 0x2060, 0x2064, 0x2066, 0x2069,
        0x2212, 0x2796, 0x2800, 0x2e3a, 0x2e3b, 0x3000, 0x30fc, 0xfe58, 0xfe63, 0xfeff, 0xff0d,
        0xff70, 0x58a, 0x5be, 0x61c, 0x1400, 0x1806, 0x2053, 0x207b, 0x208b, 0x2e17, 0x2e1a,
        0x2e40, 0x2e5d, 0x301c, 0x3030, 0x30a0, 0xfe31, 0xfe32, 0x589, 0x5bf, 0x61b, 0x1401,
        0x1807, 0x2054, 0x207c, 0x208c, 0x2e18, 0x2e5e, 0x301d, 0x3031, 0x30a1, 0xfe33, 0x08, 0x0e,
        0x2e, 0x5f, 0x7f, 0x84, 0xae, 0x1681, 0x2016, 0x2027, 0x2030, 0x2044, 0x2065, 0x206a,
        0x2213, 0x2e39, 0x3001, 0xff0e, 0xe1, 0x1f697,
    ]
    .into_iter()
    .filter_map(char::from_u32)
    .enumerate()
    .map(|(number, character)| {
        format!("{character}a{character}bC{character}1{number:03}{character}")
    })
    .collect();
    written.extend(
        ["", "----", "ABCD", "ABCDE", "ABCDEFGH", "ABCDEFGHI", "ABC1234x"].map(str::to_owned),
    );
    written.extend([format!("QWE{}1234", " ".repeat(57)), format!("QWR{}1234", " ".repeat(58))]);
    for shell in [Shell::System, Shell::Busybox] {
        let doors = Doors::prepared(shell, &[]);
        for text in &written {
            let output = doors.usuario(&["novo", "carro", text]);
            let expected = Placa::parse(text).ok().map(|placa| format!("carro.{placa}"));
            let named = doors.names().into_iter().find(|name| expected.as_ref() == Some(name));
            assert_eq!(output.status.success(), expected.is_some(), "{text:?}");
            assert_eq!(named, expected, "{text:?}");
        }
    }
}

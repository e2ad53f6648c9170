//! The tables of settings in the READMEs against what the programs declare.

use service::Setting;

/// A README and the words it uses in its table.
struct Readme {
    text: &'static str,
    heading: &'static str,
    required: &'static str,
    both: &'static str,
}

const READMES: [Readme; 2] = [
    Readme {
        text: include_str!("../../../../../README.md"),
        heading: "\n## Settings\n",
        required: "required",
        both: "both",
    },
    Readme {
        text: include_str!("../../../../../README.pt-BR.md"),
        heading: "\n## Configuração\n",
        required: "obrigatória",
        both: "ambos",
    },
];

impl Readme {
    /// The settings of one program with their defaults, `None` for a required one.
    fn settings(&self, program: &str) -> Vec<(&str, Option<&str>)> {
        let (_, section) = self.text.split_once(self.heading).expect("a section of settings");
        let section = section.split("\n## ").next().unwrap_or(section);
        let mut settings = Vec::new();
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            if cells[2] != program && cells[2] != self.both {
                continue;
            }
            let items = |cell: usize| cells[cell].split(", ").map(|item| item.trim_matches('`'));
            let (names, mut defaults): (Vec<_>, Vec<_>) = (items(1).collect(), items(3).collect());
            // One name with two defaults: that of the server, then that of the client.
            if defaults.len() > names.len() {
                defaults = vec![defaults[usize::from(program == "client")]];
            }
            assert_eq!(names.len(), defaults.len(), "{row}");
            let default = |text| (text != self.required).then_some(text);
            settings.extend(names.into_iter().zip(defaults.into_iter().map(default)));
        }
        settings.sort_unstable();
        settings
    }
}

#[test]
fn the_readmes_list_every_setting_with_its_default() {
    for readme in &READMES {
        for (program, declared) in [("server", server::SETTINGS), ("client", client::SETTINGS)] {
            let declared = declared.iter().map(|Setting { name, default, .. }| (*name, *default));
            let mut declared: Vec<_> = declared.collect();
            declared.sort_unstable();
            assert_eq!(readme.settings(program), declared, "{}{program}", readme.heading);
        }
    }
}

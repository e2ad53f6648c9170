//! What spreadsheets and other programs write, in one table for each kind.

mod header;

use domain::{Kw, Price};

use super::{ImportedPosto, WrongCell, WrongFile, read_postos};

/// Two postos as RFC 4180 has them; every dialect below says the same.
const PLAIN: &str = "id,nome,latitude,longitude,status,potencia_maxima,tipo_conector,preco_kwh\n\
    5,Praça São João,-23.5540,-46.6370,disponivel,22.5,CCS,2.5\n\
    6,\"Ponto, 6\",-23.5541,-46.6371,em_manutencao,1000,Type 2,0.5\n";
const EXCEL: &str = "id;nome;latitude;longitude;status;potencia_maxima;tipo_conector;preco_kwh\r\n\
    5;Praça São João;-23,5540;-46,6370;disponivel;22,5;CCS;2,5\r\n\
    6;Ponto, 6;-23,5541;-46,6371;em_manutencao;1000;Type 2;0,5\r\n";

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(bytes_of).collect()
}

fn windows(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

fn with_bom(text: &str) -> Vec<u8> {
    [b"\xEF\xBB\xBF", text.as_bytes()].concat()
}

/// What a file says, without its lines.
fn read(bytes: &[u8]) -> Result<Vec<ImportedPosto>, WrongFile> {
    let postos = read_postos(bytes)?;
    Ok(postos.into_iter().map(|posto| ImportedPosto { line: 0, ..posto }).collect())
}

#[test]
fn every_dialect_says_the_same() {
    let plain = read(PLAIN.as_bytes()).expect("a plain file");
    assert_eq!(plain.len(), 2);
    assert_eq!(plain[0].potencia_maxima, Kw::new(22.5).ok());
    assert_eq!(plain[0].localizacao.as_str(), "-23.5540,-46.6370");
    let tabs = EXCEL.replace(';', "\t");
    let header = |names: &str| EXCEL.replacen(EXCEL.lines().next().expect("a header"), names, 1);
    let dialects: Vec<(&str, Vec<u8>)> = vec![
        ("Excel in Brazil, UTF-8", with_bom(EXCEL)),
        ("Excel in Brazil, CSV", windows(EXCEL)),
        ("without a byte order mark", bytes(EXCEL)),
        ("Excel, Unicode text", utf16(&tabs, u16::to_le_bytes)),
        ("UTF-16, the other order", utf16(&tabs, u16::to_be_bytes)),
        ("tabs in UTF-8", bytes(&tabs)),
        ("commas in Windows-1252", windows(PLAIN)),
        ("commas with a byte order mark", with_bom(PLAIN)),
        ("CRLF", bytes(&PLAIN.replace('\n', "\r\n"))),
        ("CR", bytes(&PLAIN.replace('\n', "\r"))),
        ("no last line end", bytes(PLAIN.trim_end())),
        ("sep=;", bytes(&format!("sep=;\r\n{EXCEL}"))),
        ("SEP=; after a byte order mark", with_bom(&format!("SEP=;\r\n{EXCEL}"))),
        ("\"sep=;\" in quotes", bytes(&format!("\"sep=;\"\r\n{EXCEL}"))),
        ("sep=|", bytes(&format!("sep=|\r\n{}", EXCEL.replace(';', "|")))),
        ("a comma as mark, in quotes", bytes(&PLAIN.replace("22.5", "\"22,5\""))),
        ("a point as mark between semicolons", bytes(&EXCEL.replace("22,5", "22.5"))),
        ("points in thousands", bytes(&EXCEL.replace(";1000;", ";1.000,0;"))),
        ("commas in thousands", bytes(&PLAIN.replace(",1000,", ",\"1,000.0\","))),
        ("reais", bytes(&EXCEL.replace(";2,5\r", ";R$ 2,50\r"))),
        ("a typographic minus", bytes(&EXCEL.replace("-23,5540", "\u{2212}23,5540"))),
        ("ids with decimals", bytes(&EXCEL.replace("\n5;", "\n5,0;").replace("\n6;", "\n6.00;"))),
        ("blank rows", bytes(&EXCEL.replace("\r\n", "\r\n;;;;;;;\r\n\r\n; ;;;;;;\r\n"))),
        ("empty columns at the end", bytes(&EXCEL.replace("\r\n", ";;;\r\n"))),
        (
            "blanks before quotes",
            bytes(&PLAIN.replace(",\"", ", \t\u{A0}\"").replace("\",", "\" ,")),
        ),
        ("blanks around cells", bytes(&EXCEL.replace(';', " ; ").replace("5;", "\u{A0}5;"))),
        (
            "capitals",
            bytes(&header(
                "ID;NOME;LATITUDE;LONGITUDE;STATUS;POTENCIA_MAXIMA;TIPO_CONECTOR;PRECO_KWH",
            )),
        ),
        (
            "accents and blanks",
            bytes(&header(
                "Id;Nome;Latitude;Longitude;Status;Potência  Máxima (kW);Tipo conector; Preço kWh (R$)",
            )),
        ),
        (
            "accents apart",
            bytes(&header(
                "id;nome;latitude;longitude;status;Pote\u{302}ncia ma\u{301}xima;tipo-conector;Prec\u{327}o/kWh",
            )),
        ),
        (
            "quotes everywhere",
            bytes(&format!(
                "\"{}\"",
                EXCEL.trim_end().replace(';', "\";\"").replace("\r\n", "\"\r\n\"")
            )),
        ),
        (
            "status as people write it",
            bytes(
                &EXCEL
                    .replace("em_manutencao", "Em Manutenção")
                    .replace("disponivel", "Disponível"),
            ),
        ),
    ];
    for (dialect, file) in dialects {
        assert_eq!(read(&file).as_ref(), Ok(&plain), "{dialect}");
    }
}

#[test]
fn columns_that_are_not_there_and_cells_that_are_empty_say_nothing() {
    for file in [
        "id,nome,latitude,longitude,status\n5,Ponto 5,-23.5540,-46.6370,disponivel\n",
        "id,nome,latitude,longitude,status,preco_kwh,observações\n5,Ponto 5,-23.5540,-46.6370,disponivel,,x\n",
        "id,nome,latitude,longitude,status,preco_kwh\n5,Ponto 5,-23.5540,-46.6370,disponivel\n",
        "id;nome;localização;status\n5;Ponto 5;-23.5540,-46.6370;disponivel\n",
    ] {
        let posto = read(file.as_bytes()).expect(file).remove(0);
        assert_eq!(posto.preco_kwh, None::<Price>, "{file}");
        assert_eq!(posto.in_service, Some(true));
        assert_eq!(posto.localizacao.as_str(), "-23.5540,-46.6370");
    }
    let new = "id,nome,latitude,longitude,status\n,Novo,0,0,indisponivel\n";
    assert_eq!(read(new.as_bytes()).expect("an empty id").remove(0).id, None);
}

const HEAD: &str = "id;nome;latitude;longitude;status;potencia_maxima;tipo_conector;preco_kwh\n";

#[test]
fn a_wrong_cell_is_named_with_what_to_do_in_the_spreadsheet() {
    for (row, coluna, valor, mensagem) in [
        ("x;B;1;1;disponivel;;;", "id", "x", "só com algarismos"),
        ("0;B;1;1;disponivel;;;", "id", "0", "entre 1 e 9007199254740991"),
        ("-3;B;1;1;disponivel;;;", "id", "-3", "entre 1 e 9007199254740991"),
        ("9223372036854775807;B;1;1;disponivel;;;", "id", "9223372036854775807", "entre 1"),
        ("5,5;B;1;1;disponivel;;;", "id", "5,5", "número inteiro"),
        ("1.000;B;1;1;disponivel;;;", "id", "1.000", "sem separador de milhar"),
        ("1,23E+05;B;1;1;disponivel;;;", "id", "1,23E+05", "formate a coluna como número"),
        ("1;B;1;1;disponivel;;;", "id", "1", "já está na linha 2"),
        ("2;;1;1;disponivel;;;", "nome", "", "é obrigatório"),
        ("2;#N/D;1;1;disponivel;;;", "nome", "#N/D", "erro de uma fórmula"),
        ("2;B;91;1;disponivel;;;", "latitude", "91", "entre -90 e 90"),
        ("2;B;;1;disponivel;;;", "latitude", "", "é obrigatório"),
        ("2;B;-235.540.000;1;disponivel;;;", "latitude", "-235.540.000", "separador de milhar"),
        ("2;B;########;1;disponivel;;;", "latitude", "########", "alargue-a"),
        ("2;B;1;181;disponivel;;;", "longitude", "181", "entre -180 e 180"),
        ("2;B;1;46°38'W;disponivel;;;", "longitude", "46°38'W", "só com algarismos"),
        ("2;B;1;1;livre;;;", "status", "livre", "disponivel, indisponivel ou em_manutencao"),
        ("2;B;1;1;;;;", "status", "", "disponivel, indisponivel ou em_manutencao"),
        ("2;B;1;1;disponivel;mai/22;;", "potencia_maxima", "mai/22", "é uma data"),
        ("2;B;1;1;disponivel;22/05/2026;;", "potencia_maxima", "22/05/2026", "é uma data"),
        (
            "2;B;1;1;disponivel;2026-05-22 00:00:00;;",
            "potencia_maxima",
            "2026-05-22 00:00:00",
            "é uma data",
        ),
        ("2;B;1;1;disponivel;22 kW;;", "potencia_maxima", "22 kW", "só com algarismos"),
        ("2;B;1;1;disponivel;0;;", "potencia_maxima", "0", "maior que 0"),
        ("2;B;1;1;disponivel;1.234;;", "potencia_maxima", "1.234", "1234 ou 1,234"),
        ("2;B;1;1;disponivel;1.23.4,5;;", "potencia_maxima", "1.23.4,5", "fora do lugar"),
        ("2;B;1;1;disponivel;;;caro", "preco_kwh", "caro", "deve ser um número"),
        ("2;B;1;1;disponivel;;;NaN", "preco_kwh", "NaN", "deve ser um número"),
        ("2;B;1;1;disponivel;;;1000,5", "preco_kwh", "1000,5", "deve estar entre 0 e 1000"),
        ("2;B;1;1;disponivel;;;#DIV/0!", "preco_kwh", "#DIV/0!", "erro de uma fórmula"),
        ("2;B;1;1;disponivel;;;2,5;sobra", "", "sobra", "a linha tem 9 células e a primeira tem 8"),
        ("2;\"B\nC\";1;1;disponivel;;;", "nome", "B\nC", "quebra de linha"),
    ] {
        let wrong = read_postos(format!("{HEAD}1;A;1;1;disponivel;;;\n{row}\n").as_bytes());
        let WrongFile { listed, total } = wrong.expect_err(row);
        assert_eq!(total, 1, "{row}: {listed:?}");
        let found = &listed[0];
        assert_eq!((found.linha, found.coluna.as_str()), (3, coluna), "{row}: {found}");
        assert!(found.valor.contains(valor), "{row}: {found}");
        assert!(found.mensagem.contains(mensagem), "{row}: {found}");
    }
}

#[test]
fn quotes_that_are_not_closed_are_named_where_they_open_whatever_the_column() {
    let (a, b) = ("1;A;1;1;disponivel", "2;B;1;1;disponivel");
    for (file, linha, valor, mensagem) in [
        (format!("{a};\"porta\n{b};\n{b};x\n"), 2, "\"porta", "não são fechadas"),
        (format!("{a};\"porta\n{b};\n{b};x"), 2, "\"porta", "não são fechadas"),
        (format!("{a}; \"porta\r\n{b};\r\n"), 2, "\"porta", "não são fechadas"),
        (format!("{a};\"x\ny\"\n{b};\"z \"\"a\"\"\n"), 4, "\"z \"\"a\"\"", "não são fechadas"),
        (format!("{a};\"\n"), 2, "\"", "não são fechadas"),
        (format!("{a};x\r\r{b};\"y\r"), 4, "\"y", "não são fechadas"),
        (format!("{a};x\n3;\"C;1;1;disponivel;\n"), 3, "\"C;1;1;disponivel;", "não são fechadas"),
        (format!("{a};\"porta\n{b};\"x\"\n"), 2, "\"porta", "há texto depois das aspas"),
        (format!("{a};\"x\" y\n"), 2, "\"x\" y", "há texto depois das aspas"),
        (format!("{a};\"porta 5\n{b};5\"\n"), 2, "porta 5\n2;B;", "outra linha inteira"),
    ] {
        let file = format!("id;nome;latitude;longitude;status;obs\n{file}");
        let wrong = read_postos(file.as_bytes()).expect_err(&file);
        assert_eq!(wrong.total, 1, "{file}: {wrong}");
        let found = &wrong.listed[0];
        assert_eq!((found.linha, found.coluna.as_str()), (linha, ""), "{file}: {found}");
        assert!(found.valor.starts_with(valor), "{file}: {found}");
        assert!(found.mensagem.contains(mensagem), "{file}: {found}");
    }
    let unclosed_header =
        read_postos(b"id;nome;\"latitude;longitude;status\n").expect_err("header");
    assert_eq!(unclosed_header.listed[0].linha, 1, "{unclosed_header}");
    for (quoted, nome) in [
        ("\"A \"\"B\"\"; C\"", "A \"B\"; C"),
        (" \"A\" ", "A"),
        ("A \"B\"", "A \"B\""),
        ("5\"", "5\""),
    ] {
        let file = format!(
            "sep=;\nid;nome;latitude;longitude;status;obs\n1;{quoted};1;1;disponivel;\"x\n y; z\"\n{b};\n"
        );
        let postos = read_postos(file.as_bytes()).expect(&file);
        let found: Vec<_> = postos.iter().map(|row| (row.line, row.nome.as_str())).collect();
        assert_eq!(found, [(3, nome), (5, "B")], "{file}");
    }
}

#[test]
fn what_is_no_text_of_one_encoding_is_named() {
    let mixed = [PLAIN.as_bytes(), b"7,Ponto S\xE3o,1,1,disponivel,,,\n"].concat();
    let half = utf16("id\tnome\n\u{1F50C}", u16::to_le_bytes);
    let plain_utf16: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, file, linha, mensagem) in [
        ("nothing", Vec::new(), 1, "nenhuma linha"),
        ("blank lines", bytes("\n\n ; ;\n"), 1, "nenhuma linha"),
        ("an .xlsx", bytes("PK\u{3}\u{4}\u{14}"), 1, "planilha do Excel"),
        ("two encodings", mixed, 4, "codificação"),
        ("half a character", half[..half.len() - 2].to_vec(), 2, "codificação"),
        ("UTF-16 without a mark", plain_utf16, 1, "UTF-16"),
    ] {
        let wrong = read_postos(&file).expect_err(name);
        assert_eq!((wrong.total, wrong.listed[0].linha), (1, linha), "{name}: {wrong}");
        assert!(wrong.listed[0].mensagem.contains(mensagem), "{name}: {wrong}");
    }
}

#[test]
fn all_errors_come_at_once_and_their_list_is_bounded() {
    let row = "x;;91;181;livre;a;;b\n";
    let wrong =
        read_postos(format!("sep=;\n{HEAD}\n\n{row}").as_bytes()).expect_err("seven errors");
    let found: Vec<_> = wrong.listed.iter().map(|wrong| (wrong.linha, &*wrong.coluna)).collect();
    let columns = ["id", "nome", "status", "latitude", "longitude", "potencia_maxima", "preco_kwh"];
    assert_eq!(found, columns.map(|column| (5, column)));
    let wrong = read_postos(format!("{HEAD}{}", row.repeat(1000)).as_bytes()).expect_err("7,000");
    assert_eq!((wrong.listed.len(), wrong.total), (100, 7000));
    assert!(wrong.to_string().ends_with("e mais 6900"));
}

#[test]
fn an_error_reads_as_a_sentence() {
    let (linha, coluna) = (5, "status".to_owned());
    let wrong = WrongCell { linha, coluna, valor: "livre".into(), mensagem: "deve ser …".into() };
    assert_eq!(wrong.to_string(), "linha 5, coluna status, valor \"livre\": deve ser …");
}

#[test]
fn where_cells_are_separated_by_tabs_neither_mark_is_known() {
    let head = "id\tnome\tlatitude\tlongitude\tstatus\tpotencia_maxima\n";
    let file = |power: &str| format!("{head}7\tB\t-23.5540\t-46,6370\tdisponivel\t{power}\n");
    for power in ["1,200", "1.200", "\"1,200\""] {
        let WrongFile { listed, .. } = read_postos(file(power).as_bytes()).expect_err(power);
        assert!(listed[0].mensagem.contains("pode ser 1200 ou "), "{}", listed[0]);
    }
    for (power, expected) in [("1,2", 1.2), ("1.2", 1.2), ("1200", 1200.0), ("22.0", 22.0)] {
        let posto = read_postos(file(power).as_bytes()).expect(power).remove(0);
        assert_eq!(posto.potencia_maxima.map(Kw::get), Some(expected), "{power}");
    }
}

#[test]
fn what_nobody_sees_in_a_number_is_no_part_of_it() {
    let file = format!(
        "{HEAD}5;Ponto 5;\u{200e}-23,5540\u{200b};\u{2011}46,6370;disponivel;\u{feff}22,0;;\n"
    );
    let posto = read_postos(file.as_bytes()).expect("two numbers").remove(0);
    assert_eq!(posto.localizacao.as_str(), "-23.5540,-46.6370");
    let nameless = format!("{HEAD}5;\u{200b}\u{2060};1;1;disponivel;;;\n");
    let WrongFile { listed, .. } = read_postos(nameless.as_bytes()).expect_err("no name");
    assert_eq!(listed[0].coluna, "nome");
}

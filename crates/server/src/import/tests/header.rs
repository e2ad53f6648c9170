//! Headers as people write them.

use domain::{Kw, Price};

use super::{WrongCell, read, read_postos};

#[test]
fn a_wrong_header_is_named() {
    for (header, coluna, mensagem) in [
        ("id,nome,latitude,longitude", "status", "falta esta coluna"),
        ("id,nome,latitude,longitude,status,preco_kwh,Preço kWh", "preco_kwh", "duas vezes"),
        ("id,nome,latitude,longitude,status,preco", "preco", "se é preco_kwh, escreva preco_kwh"),
        (
            "id,nome,latitude,longitude,status,potencia_maxma",
            "potencia_maxma",
            "escreva potencia_maxima",
        ),
        ("id,nome,longitude,status", "latitude", "falta esta coluna"),
    ] {
        let wrong = read_postos(format!("\n{header}\n1,A,1,1\n").as_bytes()).expect_err(header);
        assert_eq!(wrong.total, 1, "{header}: {wrong}");
        assert_eq!(
            (wrong.listed[0].linha, wrong.listed[0].coluna.as_str()),
            (2, coluna),
            "{wrong}"
        );
        assert!(wrong.listed[0].mensagem.contains(mensagem), "{header}: {wrong}");
    }
}

#[test]
fn a_name_as_people_write_it_is_the_column_or_is_refused_with_the_right_name() {
    const REST: &str = "id;nome;latitude;longitude;status";
    for (name, column) in [
        ("Potencia maxima (kW)", "potencia_maxima"),
        ("Potência máxima [kW]", "potencia_maxima"),
        ("Potência (kW) máxima", "potencia_maxima"),
        ("Tipo de conector", "tipo_conector"),
        ("Tipo do conector", "tipo_conector"),
        ("TIPO DO CONECTOR (plugue)", "tipo_conector"),
        ("Preço por kWh", "preco_kwh"),
        ("Preço do kWh", "preco_kwh"),
        ("Preço (R$) por kWh", "preco_kwh"),
    ] {
        let file = format!("{REST};{name}\n1;A;1;1;disponivel;7,5\n");
        let posto = read(file.as_bytes()).expect(name).remove(0);
        let found = match column {
            "potencia_maxima" => posto.potencia_maxima == Kw::new(7.5).ok(),
            "preco_kwh" => posto.preco_kwh == Price::new(7.5).ok(),
            _ => posto.tipo_conector.is_some(),
        };
        assert!(found, "{name}");
    }
    for (name, column) in [
        ("Valor do kWh", "preco_kwh"),
        ("Tarifa", "preco_kwh"),
        ("tarifa_energia", "preco_kwh"),
        ("Custo (R$/kWh)", "preco_kwh"),
        ("(R$/kWh)", "preco_kwh"),
        ("R$/kWh", "preco_kwh"),
        ("Preço", "preco_kwh"),
        ("PrecoKwh", "preco_kwh"),
        ("Valor", "preco_kwh"),
        ("Conector", "tipo_conector"),
        ("Plugue", "tipo_conector"),
        ("Conectores", "tipo_conector"),
        ("Potência nominal", "potencia_maxima"),
        ("Potência", "potencia_maxima"),
        ("kW", "potencia_maxima"),
        ("Carga (kW)", "potencia_maxima"),
        ("Potência máxima kW", "potencia_maxima"),
    ] {
        let file = format!("{REST};{name}\n1;A;1;1;disponivel;7,5\n");
        let wrong = read_postos(file.as_bytes()).expect_err(name);
        assert_eq!((wrong.total, wrong.listed[0].valor.as_str()), (1, name), "{wrong}");
        let mensagem = &wrong.listed[0].mensagem;
        assert!(mensagem.contains(&format!("se é {column}, escreva {column}")), "{name}: {wrong}");
    }
    for (column, name) in [
        ("id", "Código"),
        ("id", "Número do posto"),
        ("nome", "Nome do posto"),
        ("latitude", "Lat"),
        ("longitude", "Lng (graus)"),
        ("longitude", "Lon"),
        ("status", "Situação"),
    ] {
        let header = REST.replace(column, name);
        let wrong = read_postos(format!("{header}\n1;A;1;1;x\n").as_bytes()).expect_err(name);
        let is_named = |wrong: &WrongCell| {
            wrong.valor == name && wrong.mensagem.contains(&format!("se é {column}, escreva"))
        };
        assert!(wrong.listed.iter().any(is_named), "{name}: {wrong}");
        assert!(wrong.listed.iter().any(|wrong| wrong.coluna == column), "{name}: {wrong}");
    }
    let all = format!("{REST};potencia_maxima;tipo_conector;preco_kwh");
    for (header, name) in [
        (REST, "obs"),
        (REST, "Endereço"),
        (REST, "Cidade"),
        (REST, "Número na rua"),
        (REST, "Nome da rua"),
        (REST, ""),
        (&all, "Valor da vaga"),
        (&all, "Conectores"),
        (&all, "kW contratados"),
    ] {
        let file = format!("{header};{name}\n1;A;1;1;disponivel\n");
        assert_eq!(read(file.as_bytes()).expect(name).len(), 1, "{name}");
    }
    let place = "id;nome;localizacao;status;Latitude em graus\n1;A;1,1;disponivel;\n";
    assert_eq!(read(place.as_bytes()).expect("a place").len(), 1);
}

#[test]
fn a_header_of_any_length_is_read() {
    const REST: &str = "id;nome;latitude;longitude;status";
    let row = "1;A;1;1;disponivel";
    let empty = format!("{REST}{}\n{row}\n", ";".repeat(1_000_000));
    assert_eq!(read(empty.as_bytes()).expect("empty columns").len(), 1);
    let most: String = (6..=1000).map(|at| format!(";c{at}")).collect();
    assert_eq!(read(format!("{REST}{most};;;\n{row}\n").as_bytes()).expect("1,000").len(), 1);
    for columns in [1001, 200_000] {
        let file = format!("{REST}{}\n{row}\n", ";obs".repeat(columns - 5));
        let wrong = read_postos(file.as_bytes()).expect_err("too many");
        let mensagem = &wrong.listed[0].mensagem;
        assert!(
            mensagem.contains(&format!("tem {columns} colunas, e são lidas até 1000")),
            "{wrong}"
        );
    }
    for long in ["preco_kwh_".repeat(100_000), "preco ".repeat(100_000), "x".repeat(1_000_000)] {
        let file = format!("{REST};{long}\n{row}\n");
        assert_eq!(read(file.as_bytes()).expect("a long name is no column's").len(), 1);
    }
}

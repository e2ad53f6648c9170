//! Steps as rows of a file.

use domain::Moment;

use super::answer::Numeros;
use crate::store::Counted;
use crate::table::{Cell, Column};
use crate::wire;

pub(super) const COLUMNS: [Column; 19] = [
    Column::Time("de"),
    Column::Time("ate"),
    Column::Other("horas_de_posto"),
    Column::Other("horas_em_servico"),
    Column::Other("horas_em_manutencao"),
    Column::Other("horas_fora_de_servico"),
    Column::Other("horas_reservadas"),
    Column::Other("horas_carregando"),
    Column::Other("ocupacao"),
    Column::Other("utilizacao"),
    Column::Other("reservas_feitas"),
    Column::Other("reservas_cumprida"),
    Column::Other("reservas_encerrada"),
    Column::Other("reservas_nao_compareceu"),
    Column::Other("reservas_cancelada"),
    Column::Other("carregamentos"),
    Column::Other("energia_fornecida"),
    Column::Other("custo"),
    Column::Other("recusas"),
];

/// A step as a row of a file.
pub(super) fn cells(begin: Moment, end: Moment, counted: &Counted) -> [Cell<'static>; 19] {
    let numeros = Numeros::from(counted);
    let time = |moment| Cell::Time(wire::time_text(moment));
    let number = |number: f64| Cell::Number(number.to_string());
    let fraction = |fraction: Option<f64>| fraction.map_or(Cell::Empty, number);
    let reservas = numeros.reservas;
    [
        time(begin),
        time(end),
        number(numeros.horas_de_posto),
        number(numeros.horas_em_servico),
        number(numeros.horas_em_manutencao),
        number(numeros.horas_fora_de_servico),
        number(numeros.horas_reservadas),
        number(numeros.horas_carregando),
        fraction(numeros.ocupacao),
        fraction(numeros.utilizacao),
        Cell::Integer(reservas.feitas),
        Cell::Integer(reservas.cumprida),
        Cell::Integer(reservas.encerrada),
        Cell::Integer(reservas.nao_compareceu),
        Cell::Integer(reservas.cancelada),
        Cell::Integer(numeros.carregamentos),
        number(numeros.energia_fornecida),
        number(numeros.custo),
        Cell::Integer(numeros.recusas.values().sum()),
    ]
}

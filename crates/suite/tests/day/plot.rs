//! The plot of two days side by side, as SVG on white, which dark pages show as well.

use std::collections::BTreeSet;
use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::totals::{Occupancy, Totals};

/// Without tolerance and with: blue and orange, which everybody can distinguish.
const COLORS: [RGBColor; 2] = [RGBColor(0, 90, 181), RGBColor(214, 95, 0)];
const SIZE: (u32, u32) = (900, 820);
const FONT: &str = "sans-serif";

pub(crate) struct Plotted<'a> {
    /// As the legend names it.
    pub(crate) name: String,
    pub(crate) occupancy: &'a Occupancy,
    pub(crate) totals: &'a Totals,
}

pub(crate) fn svg(days: &[Plotted<'_>; 2], hours: i64) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (upper, lower) = root.split_vertically(480);
        occupancy(&upper, days, hours as f64)?;
        refusals(&lower, days)?;
        root.present()?;
    }
    Ok(svg)
}

fn whole(number: &f64) -> String {
    format!("{number:.0}")
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn occupancy(area: &Area<'_>, days: &[Plotted<'_>; 2], hours: f64) -> Result<(), Box<dyn Error>> {
    let mut chart = ChartBuilder::on(area)
        .caption("Postos held (thin) and charging (thick)", (FONT, 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..hours, 0.0..40.0)?;
    chart
        .configure_mesh()
        .x_desc("hours from the begin of the day")
        .y_desc("postos")
        .y_label_formatter(&whole)
        .x_label_formatter(&|hour| if hours < 12.0 { format!("{hour:.1}") } else { whole(hour) })
        .x_labels(13)
        .light_line_style(TRANSPARENT)
        .label_style((FONT, 14))
        .draw()?;
    for (day, color) in days.iter().zip(COLORS) {
        let held = day.occupancy.held.iter().copied();
        chart.draw_series(LineSeries::new(held, color.mix(0.75).stroke_width(1)))?;
        let charging = day.occupancy.charging.iter().copied();
        chart
            .draw_series(LineSeries::new(charging, color.stroke_width(3)))?
            .label(format!("tolerance {}", day.name))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, 14))
        .draw()?;
    Ok(())
}

/// A bar for each day and `codigo`, with its name and numbers above.
fn refusals(area: &Area<'_>, days: &[Plotted<'_>; 2]) -> Result<(), Box<dyn Error>> {
    let codes: BTreeSet<&String> = days.iter().flat_map(|day| day.totals.refusals.keys()).collect();
    let count = |day: &Plotted<'_>, code: &str| day.totals.refusals.get(code).copied().unwrap_or(0);
    let counts = codes.iter().flat_map(|code| days.iter().map(|day| count(day, code)));
    let most = counts.max().unwrap_or(0).max(1) as f64 * 1.05;
    let rows = codes.len().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("Refusals by codigo (reservations and starts of sessions)", (FONT, 20))
        .margin(14)
        .x_label_area_size(28)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..most, 0.0..rows)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_label_formatter(&whole)
        .light_line_style(TRANSPARENT)
        .label_style((FONT, 14))
        .draw()?;
    for (row, code) in codes.iter().enumerate() {
        let top = rows - row as f64;
        for (place, (day, color)) in days.iter().zip(COLORS).enumerate() {
            let upper = top - 0.36 - 0.3 * place as f64;
            let bar = [(0.0, upper), (count(day, code) as f64, upper - 0.26)];
            chart.draw_series([Rectangle::new(bar, color.filled())])?;
        }
        let numbers = days.iter().map(|day| format!("{}: {}", day.name, count(day, code)));
        let text = format!("{code} ({})", numbers.collect::<Vec<_>>().join(", "));
        chart.draw_series([Text::new(text, (most * 0.005, top - 0.06), (FONT, 14))])?;
    }
    Ok(())
}

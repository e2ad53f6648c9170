//! Random histories: what is answered is what a plain count of everything that happened says, whatever of
//! it has been archived, deleted, forgotten, moved or corrected since.

mod archive;
mod play;
mod reference;
mod steps;
mod world;

use domain::{Figures, Fuso, Moment, Passo, Steps};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::steps::step;
use self::world::{MINUTE, START, World};
use crate::store::{Statistics, StatisticsQuery};

const HOUR: i64 = 60 * MINUTE;

#[derive(Debug, Clone, Copy)]
struct Asked {
    /// In minutes since the begin of the history.
    de: i64,
    minutes: i64,
    passo: Passo,
    /// In hours.
    fuso: i64,
    posto_id: Option<i64>,
}

fn fuso(hours: i64) -> Fuso {
    let sign = if hours < 0 { '-' } else { '+' };
    Fuso::parse(&format!("{sign}{:02}:00", hours.abs())).expect("an offset")
}

fn asked() -> impl Strategy<Value = Asked> {
    let passo = proptest::sample::select(Passo::ALL);
    let posto_id = proptest::option::weighted(0.4, 1i64..4);
    (-120i64..600, 1i64..900, passo, -12i64..=14, posto_id).prop_map(
        |(de, minutes, passo, fuso, posto_id)| Asked { de, minutes, passo, fuso, posto_id },
    )
}

impl World {
    async fn answer(&self, asked: Asked) -> (StatisticsQuery, Statistics) {
        let de = Moment::from_millis(START + asked.de * MINUTE);
        let ate = de.plus_millis(asked.minutes * MINUTE);
        let steps = Steps::new(de, ate, asked.passo, fuso(asked.fuso)).expect("a period");
        let query = StatisticsQuery { steps, posto_id: asked.posto_id, by_posto: true };
        let answer = self.store.statistics(query.clone()).await.expect("statistics");
        (query, answer)
    }

    async fn compare(&self, asked: Asked) {
        let (query, answer) = self.answer(asked).await;
        let expected = self.reference.statistics(&query, self.now());
        assert_eq!(answer, expected, "{asked:?}");
        // Where the offset changes within a period, two are asked for that meet then.
        let hours = query.steps.whole().iter().next().expect("the period");
        let length = (hours.1.as_millis() - hours.0.as_millis()) / HOUR;
        let cut = hours.0.plus_millis(length / 2 * HOUR);
        let mut sum = Figures::default();
        for (de, ate, offset) in [(hours.0, cut, -3), (cut, hours.1, -2)] {
            if de < ate {
                let steps = Steps::new(de, ate, asked.passo, fuso(offset)).expect("a period");
                let query = StatisticsQuery { steps, posto_id: asked.posto_id, by_posto: false };
                let part = self.store.statistics(query).await.expect("statistics");
                sum += &part.total.figures;
            }
        }
        assert_eq!(sum, answer.total.figures, "{asked:?}");
    }
}

#[test]
fn the_answer_is_what_a_plain_count_of_everything_says() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let config = Config { cases: 16, max_shrink_iters: 100, ..Config::default() };
    let history = proptest::collection::vec(step(), 40..160);
    let all = (history, proptest::collection::vec(asked(), 6));
    let played = TestRunner::new(config).run(&all, |(history, questions)| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for (number, step) in history.into_iter().enumerate() {
                world.play(step).await;
                // Also while much is open.
                if number % 40 == 39 {
                    world.compare(questions[0]).await;
                }
            }
            for question in questions {
                world.compare(question).await;
            }
            world.close().await;
        });
        Ok(())
    });
    played.expect("they agree");
}

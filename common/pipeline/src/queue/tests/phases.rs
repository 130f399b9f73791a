//! The stream of phases.

use super::*;
use crate::events::{self, News};

#[tokio::test]
async fn every_change_of_phase_is_told_once_and_in_order() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let begin = events::newest(&run).await.unwrap();
    let saved = work_to_the_end(&run).await;
    assert_eq!(saved.work, Work::Save);
    let figures = run.see().await.run.unwrap().figures;
    run.end(Phase::Done, figures.clone()).await;
    run.change(|_| {}).await;
    assert!(events::reaches(&run, &begin).await.unwrap());
    let entries = events::after(&run, &begin).await.unwrap();
    let phases: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.news {
            News::Phase(change) => (change.phase, change.run_id.clone().unwrap()),
            News::Log(line) => panic!("{line:?}"),
        })
        .collect();
    let told: Vec<_> = phases.iter().map(|(phase, _)| *phase).collect();
    let flips = told.iter().filter(|phase| **phase == Phase::EnqueueVip).count();
    assert!(flips >= 2, "{told:?}");
    assert_eq!(
        told[told.len() - 4..],
        [Phase::WaitingVipDrain, Phase::EnqueueNormal, Phase::WaitingNormalDrain, Phase::Done]
    );
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
    // From any place on, exactly the rest.
    let middle = begin.after(&entries[1]);
    assert_eq!(events::after(&run, &middle).await.unwrap(), entries[2..]);
    // A Redis that has lost them cannot go on from there.
    run.delete("phases").await;
    assert!(!events::reaches(&run, &middle).await.unwrap());
}

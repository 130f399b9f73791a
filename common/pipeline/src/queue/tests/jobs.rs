//! `jobs`: pages.

use super::*;

#[tokio::test]
async fn a_page_of_jobs_counts_both_ends() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    let (total, active) = run.jobs(Listed::Active, 0, 9).await.unwrap();
    assert!(matches!(&active[..], [Jobs::Chunk(indexes, _)] if *indexes == (0..8)), "{active:?}");
    assert_eq!(total, 1);
    run.push(&chunk).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let all = waiting(&run).await;
    assert!(all.len() > 1, "the seed gives the first two chunks two VIP orders");
    let (total, page) = run.jobs(Listed::Waiting, 1, 1).await.unwrap();
    assert_eq!((total, page), (all.len() as u64, vec![Jobs::Orders(VIP, vec![all[1]], 0)]));
    let (total, page) = run.jobs(Listed::Waiting, 50, 60).await.unwrap();
    assert_eq!((total, page), (all.len() as u64, vec![]));
}

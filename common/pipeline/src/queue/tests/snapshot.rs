//! `snapshot` of a large batch.

use super::*;

#[tokio::test]
async fn a_large_batch_goes_there_and_back_in_order() {
    let mut large = settings();
    (large.chunk_size, large.batch_size, large.high_water) = (20_000, 5_000, 200_000);
    let run = Fixture::with_run(&large, 20_000).await;
    generate_all(&run).await;
    let expected: Vec<OrderId> = ids(0..20_000, VIP);
    let lease = run.take().await;
    run.expire(&lease.token).await;
    run.reclaim().await.unwrap();
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    assert_eq!(batch[..], expected[..batch.len()]);
}

//! What a person decides about dead letters.

use super::*;

#[tokio::test]
async fn every_lease_says_what_was_decided_about_dead_letters() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let letters = vec![
        LetterDecision { mark: "a1".to_owned(), action: LetterAction::RetryLate },
        LetterDecision { mark: "b2".to_owned(), action: LetterAction::Remove },
    ];
    run.change(|control| control.letters.clone_from(&letters)).await;
    assert_eq!(run.take().await.letters, letters);
    run.change(|control| control.letters.clear()).await;
    assert_eq!(run.take().await.letters, []);
}

//! The limits of the simulated Graph hold, and it counts by itself.

use otj::sim::graph::GraphOptions;

use super::site::{Reader, Site};

#[tokio::test(start_paused = true)]
async fn a_mailbox_answers_four_at_once() {
    let site = Site::new();
    site.book("a 05 10:00-11:00 Weekly");
    Reader::of(&site).read().await;
    let mut readers: Vec<Reader> = (0..5).map(|_| Reader::of(&site)).collect();
    let [a, b, c, d, e] = &mut readers[..] else { unreachable!() };
    let (a, b, c, d, e) = tokio::join!(a.read(), b.read(), c.read(), d.read(), e.read());
    let throttled = [a, b, c, d, e].iter().filter(|said| said.starts_with("Throttled retry after 2s: ")).count();
    assert_eq!((throttled, site.graph.counts().over_quota), (1, 1));
    assert_eq!(site.graph.counts().requests, 6);
    assert_eq!(readers[4].read().await.lines().count(), 1, "later it is well again");
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_answers_so_many_in_ten_minutes_and_the_day_is_counted() {
    let site = Site::with(GraphOptions { in_ten_minutes: 3, in_a_day: Some(4), ..GraphOptions::default() });
    site.book("a 05 10:00-11:00 Weekly");
    let mut reader = Reader::of(&site);
    for expected in ["05T10", "unchanged", "unchanged", "Throttled retry after 60s"] {
        let said = reader.read().await;
        assert!(said.starts_with(expected), "{said}");
    }
    tokio::time::advance(std::time::Duration::from_mins(11)).await;
    assert_eq!(reader.read().await, "unchanged");
    let counts = site.graph.counts();
    assert_eq!((counts.requests, counts.over_quota, counts.peak_day, counts.over_the_day), (5, 1, 5, 1));
    tokio::time::advance(std::time::Duration::from_hours(25)).await;
    reader.read().await;
    assert_eq!(site.graph.counts().over_the_day, 1);
}

//! Learners whom a partner system sends.

use super::Class;
use keju_tests::kit::player::{Player, Stop};
use keju_tests::kit::{Stream, id, text};
use serde_json::json;

#[tokio::test]
async fn a_partner_sends_a_learner_into_a_lesson() {
    let class = Class::start(&json!({})).await;
    let other = class.site.lesson(&json!({})).await;
    let draft = json!({"name": "伙伴", "lessons": [class.lesson]});
    let made = class.site.admin.post("/partners", &draft).await.ok(201);
    let partner = class.learner.with_token(Some(text(&made["key"])));
    let wanted = |learner: &str, lesson: &str| json!({"learner": learner, "lesson": lesson});
    let minted = partner.post("/partner/tickets", &wanted(&class.learner.username, &class.lesson)).await.ok(201);
    let _ = partner.post("/partner/tickets", &wanted("nobody", &class.lesson)).await.problem(404, "not_found");
    let _ = partner.post("/partner/tickets", &wanted("proctor", &class.lesson)).await.problem(404, "not_found");
    let _ = partner.post("/partner/tickets", &wanted(&class.learner.username, &other)).await.problem(404, "not_found");
    let _ = partner.get("/me").await.problem(401, "unauthenticated");

    let mut stream = Stream::open(class.site.server.url()).await;
    stream.say(&json!({"t": "hello", "ticket": minted["ticket"]})).await;
    let mut player = Player::on(stream).await;
    assert_eq!(player.play(900).await, Stop::Covered);
    // The learner's own session takes over, as it would from any other device; and the other way round.
    let mut own = Player::open(&class.learner, &class.lesson).await;
    assert_eq!(player.stream.closed().await, 4409);
    assert!(own.covered_ms >= 900);
    let minted = partner.post("/partner/tickets", &wanted(&class.learner.person, &class.lesson)).await.ok(201);
    let unused = partner.post("/partner/tickets", &wanted(&class.learner.person, &class.lesson)).await.ok(201);
    let mut stream = Stream::open(class.site.server.url()).await;
    stream.say(&json!({"t": "hello", "ticket": minted["ticket"]})).await;
    stream.expect("welcome").await;
    assert_eq!(own.stream.closed().await, 4409);
    // A revoked key opens nothing, and what it opened ends.
    class.site.admin.delete(&format!("/partners/{}", id(&made))).await.ok(204);
    assert_eq!(stream.closed().await, 4403);
    let _ = partner
        .post("/partner/tickets", &wanted(&class.learner.person, &class.lesson))
        .await
        .problem(401, "unauthenticated");
    let mut late = Stream::open(class.site.server.url()).await;
    late.say(&json!({"t": "hello", "ticket": unused["ticket"]})).await;
    assert_eq!(late.closed().await, 4401);
}

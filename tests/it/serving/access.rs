//! Who may see and do what, as a table of requests.

use super::site::Site;

/// `peer | Host | headers | request => code`. `operator` and `reader` in the headers are their tokens.
async fn check(site: &Site, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (request, wanted) = line.split_once("=>").unwrap();
        let parts: Vec<&str> = request.split('|').map(str::trim).collect();
        let [peer, host, headers, request] = parts[..] else { panic!("{line}") };
        let headers: Vec<(&str, &str)> =
            headers.split(',').filter(|part| !part.is_empty()).map(|part| part.split_once(':').unwrap()).collect();
        let (method, path) = request.split_once(' ').unwrap();
        let got = site.ask(peer, host, &headers, method, path, "").await;
        assert_eq!(got.status.to_string(), wanted.trim(), "{line}\n{}", got.text);
        if got.status >= 400 && !path.starts_with("/-/") {
            assert_eq!(got.header("content-type"), "application/problem+json", "{line}");
        }
        assert_eq!(got.status == 401, got.headers.contains_key("www-authenticate"), "{line}");
    }
}

const OPERATOR: &str = "authorization:Bearer operator-token";
const READER: &str = "authorization:Bearer reader-token";

#[tokio::test]
async fn a_token_opens_what_it_is_for_from_anywhere_under_any_host() {
    let table = "
        10.0.0.7 | x.example | OP | GET /                => 200
        10.0.0.7 | x.example | OP | GET /metrics         => 200
        10.0.0.7 | x.example | OP | GET /api/v1/meetings => 200
        10.0.0.7 | x.example | OP | GET /api/v1/plan     => 200
        10.0.0.7 | x.example | OP | POST /-/reload       => 202
        10.0.0.7 | x.example | OP | POST /api/v1/approve => 400
        10.0.0.7 | x.example | OP | GET /nothing         => 404
        10.0.0.7 | x.example | OP | GET /-/reload        => 405
        10.0.0.7 | x.example | OP | DELETE /api/v1/rooms => 405
        10.0.0.7 | x.example | RE | GET /                => 200
        10.0.0.7 | x.example | RE | GET /metrics         => 200
        10.0.0.7 | x.example | RE | GET /api/v1/meetings => 200
        10.0.0.7 | x.example | RE | GET /api/v1/plan     => 200
        10.0.0.7 | x.example | RE | POST /-/reload       => 403
        10.0.0.7 | x.example | RE | POST /api/v1/approve => 403
        10.0.0.7 | x.example | OP | GET /api/v1/audit    => 200
        10.0.0.7 | x.example | RE | GET /api/v1/audit    => 200
        10.0.0.7 | x.example | OP | POST /api/v1/suspend => 400
        10.0.0.7 | x.example | RE | POST /api/v1/suspend => 403
        10.0.0.7 | x.example | RE | POST /api/v1/resume  => 403
        10.0.0.7 | x.example | RE | POST /api/v1/refresh => 403
        10.0.0.7 | x.example | RE | POST /api/v1/push    => 403
        10.0.0.7 | x.example | RE | POST /api/v1/trust   => 403
    ";
    check(
        &Site::new(),
        &table.replace("| OP |", &format!("| {OPERATOR} |")).replace("| RE |", &format!("| {READER} |")),
    )
    .await;
}

#[tokio::test]
async fn loopback_without_a_token_sees_everything_but_meetings_and_does_nothing() {
    let table = "
        127.0.0.1        | 127.0.0.1:9480 |  | GET /                      => 200
        127.0.0.1        | localhost:9480 |  | GET /api/v1/status         => 200
        127.0.0.1        | LOCALHOST      |  | GET /api/v1/rooms          => 200
        ::1              | [::1]:9480     |  | GET /api/v1/endpoints      => 200
        ::ffff:127.0.0.1 | localhost      |  | GET /api/v1/config         => 200
        127.0.0.1        | localhost      |  | GET /metrics               => 200
        127.0.0.1        | localhost      |  | GET /nothing               => 404
        127.0.0.1        | localhost      |  | GET /api/v1/meetings       => 401
        127.0.0.1        | localhost      |  | GET /api/v1/plan           => 401
        127.0.0.1        | localhost      |  | GET /api/v1/audit          => 401
        127.0.0.1        | localhost      |  | POST /api/v1/suspend       => 401
        127.0.0.1        | localhost      |  | POST /-/reload             => 401
        127.0.0.1        | localhost      |  | POST /api/v1/approve       => 401
    ";
    check(&Site::new(), table).await;
}

#[tokio::test]
async fn a_proxy_on_this_machine_does_not_make_everybody_loopback() {
    let table = "
        127.0.0.1 | localhost       | forwarded:for=10.0.0.7          | GET /        => 401
        127.0.0.1 | localhost       | x-forwarded-for:10.0.0.7        | GET /metrics => 401
        127.0.0.1 | localhost       | x-forwarded-host:otj.example    | GET /        => 401
        127.0.0.1 | localhost       | x-forwarded-anything:x          | GET /        => 401
        127.0.0.1 | localhost       | via:1.1 proxy                   | GET /        => 401
        127.0.0.1 | otj.example.com |                                 | GET /        => 401
    ";
    check(&Site::new(), table).await;
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_misdirected_before_anything_else() {
    let table = "
        127.0.0.1 | evil.example                |  | GET /                => 421
        127.0.0.1 | evil.example                |  | GET /metrics         => 421
        127.0.0.1 | evil.example                |  | GET /nothing         => 421
        127.0.0.1 | evil.example                |  | POST /-/reload       => 421
        127.0.0.1 | localhost.evil.example      |  | GET /                => 421
        127.0.0.1 | 127.0.0.1.evil.example      |  | GET /                => 421
        127.0.0.1 |                             |  | GET /                => 421
        10.0.0.7  | evil.example                |  | GET /                => 421
        10.0.0.7  | otj.example.com             |  | GET /                => 401
        10.0.0.7  | OTJ.example.com.:443        |  | GET /api/v1/meetings => 401
        10.0.0.7  | 192.0.2.9:9480              |  | GET /                => 401
        10.0.0.7  | localhost                   |  | GET /                => 401
        10.0.0.7  | evil.example                |  | GET /-/healthy       => 200
        10.0.0.7  | evil.example                |  | GET /-/ready         => 200
    ";
    check(&Site::new(), table).await;
}

#[tokio::test]
async fn a_wrong_token_is_an_error_and_not_loopback() {
    let table = "
        127.0.0.1 | localhost    | authorization:Bearer operator-tokem     | GET /          => 401
        127.0.0.1 | localhost    | authorization:Bearer operator-tokenx    | GET /          => 401
        127.0.0.1 | localhost    | authorization:Bearer                    | GET /          => 401
        127.0.0.1 | localhost    | authorization:Basic b3BlcmF0b3ItdG9rZW4 | GET /          => 401
        127.0.0.1 | localhost    | authorization:operator-token            | GET /metrics   => 401
        127.0.0.1 | localhost    | authorization:bearer operator-token     | POST /-/reload => 202
        10.0.0.7  | evil.example | authorization:Bearer wrong              | GET /          => 421
    ";
    check(&Site::new(), table).await;
    let twice = [("authorization", "Bearer operator-token"), ("authorization", "Bearer operator-token")];
    assert_eq!(Site::new().ask("127.0.0.1", "localhost", &twice, "GET", "/", "").await.status, 401);
}

#[tokio::test]
async fn open_metrics_are_open_and_nothing_else_is() {
    let table = "
        10.0.0.7  | evil.example |                            | GET /metrics       => 200
        10.0.0.7  | evil.example | authorization:Bearer wrong | GET /metrics       => 200
        10.0.0.7  | evil.example |                            | GET /api/v1/status => 421
        10.0.0.7  | localhost    |                            | GET /api/v1/status => 401
    ";
    check(&Site::with(|access| access.metrics_open = true), table).await;
}

#[tokio::test]
async fn the_demo_shows_its_meetings_to_loopback_and_takes_a_token_for_actions() {
    let table = "
        127.0.0.1 | localhost |                  | GET /api/v1/meetings => 200
        127.0.0.1 | localhost |                  | GET /api/v1/plan     => 200
        127.0.0.1 | localhost |                  | POST /-/reload       => 401
        127.0.0.1 | localhost | via:1.1 proxy    | GET /api/v1/meetings => 401
        10.0.0.7  | localhost |                  | GET /api/v1/meetings => 401
    ";
    let site = Site::with(|access| access.open_to_loopback = true);
    check(&site, table).await;
    assert!(site.get("/").await.text.contains("4711@zoom.example"), "the page shows them too");
}

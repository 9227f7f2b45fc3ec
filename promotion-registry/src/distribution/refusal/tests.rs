use proptest::prelude::*;

use super::*;

fn said(kind: &str, body: &str) -> Said {
    Said::read(&HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]), body.as_bytes(), &[])
}

fn json(body: &str) -> Said {
    said("application/json", body)
}

fn error(code: &str, message: &str) -> Said {
    json(&serde_json::json!({ "errors": [{ "code": code, "message": message, "detail": {} }] }).to_string())
}

fn means(status: u16, said: &Said) -> PortErrorKind {
    kind(StatusCode::from_u16(status).unwrap(), said, said.is_absence(), None)
}

#[test]
fn each_registry_says_immutable_in_its_own_way() {
    let ecr = "The image tag '1.4.0' already exists in the 'acme' repository and cannot be overwritten because the \
               tag is immutable.";
    let harbor = "Failed to process request due to 'platform:1.4.0' configured as immutable.";
    for (status, code, message) in [
        (400, "TAG_INVALID", ecr),
        (400, "ImageTagAlreadyExistsException", ""),
        (412, "PRECONDITION", harbor),
        (403, "DENIED", "tag 1.4.0 is immutable"),
        (400, "FAILED_PRECONDITION", "cannot move a tag: the repository has immutable tags enabled"),
        (409, "TAG_IMMUTABLE", "1.4.0"),
        (400, "UNKNOWN", "Repository does not allow updating assets: docker-hosted"),
    ] {
        assert_eq!(means(status, &error(code, message)), PortErrorKind::Immutable, "{code}: {message}");
    }
}

#[test]
fn a_no_of_a_policy_is_not_immutability() {
    let vulnerable = "current image with 7 vulnerabilities cannot be pulled due to configured policy";
    assert_eq!(means(412, &error("PROJECTPOLICYVIOLATION", vulnerable)), PortErrorKind::Forbidden);
    // zot's create-only permission: whether the tag exists is for the caller to find out.
    assert_eq!(means(403, &error("DENIED", "requested access to the resource is denied")), PortErrorKind::Forbidden);
    assert_eq!(means(400, &error("TAG_INVALID", "manifest tag did not match URI")), PortErrorKind::Invalid);
    // A page that happens to hold the word in a not-found answer.
    assert_eq!(means(404, &error("NAME_UNKNOWN", "immutable")), PortErrorKind::NotFound);
}

#[test]
fn statuses_and_codes_have_their_kinds() {
    let plain = said("text/plain", "no");
    for (status, expected) in [
        (304, PortErrorKind::Invalid),
        (400, PortErrorKind::Invalid),
        (401, PortErrorKind::Unauthorized),
        (403, PortErrorKind::Forbidden),
        (404, PortErrorKind::Invalid),
        (405, PortErrorKind::Unsupported),
        (407, PortErrorKind::Unauthorized),
        (408, PortErrorKind::Unavailable),
        (409, PortErrorKind::Forbidden),
        (412, PortErrorKind::Forbidden),
        (413, PortErrorKind::Invalid),
        (415, PortErrorKind::Invalid),
        (425, PortErrorKind::Unavailable),
        (429, PortErrorKind::RateLimited { retry_after: None }),
        (500, PortErrorKind::Unavailable),
        (501, PortErrorKind::Unsupported),
        (503, PortErrorKind::Unavailable),
    ] {
        assert_eq!(means(status, &plain), expected, "{status}");
    }
    assert_eq!(means(400, &error("UNSUPPORTED", "the operation is unsupported")), PortErrorKind::Unsupported);
    let limited = PortErrorKind::RateLimited { retry_after: None };
    assert_eq!(means(403, &error("TOOMANYREQUESTS", "slow down")), limited);
}

#[test]
fn absence_is_in_the_codes_of_registries_alone() {
    for code in ["NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"] {
        assert!(error(code, "x").is_absence(), "{code}");
    }
    let not = [
        error("DENIED", "x"),
        said("text/plain", "404 page not found"),
        json(r#"{"message":"not found"}"#),
        json(r#"{"errors":"MANIFEST_UNKNOWN"}"#),
        json(r#"{"errors":[{"code":"MANIFEST_UNKNOWN""#),
        said("text/html", r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
    ];
    for other in not {
        assert!(!other.is_absence(), "{other:?}");
    }
}

#[test]
fn what_was_said_is_told_in_a_line() {
    assert_eq!(
        error("DENIED", "permission_denied:\n write_package").text(),
        "DENIED: permission_denied: write_package"
    );
    let two = json(r#"{"errors":[{"code":"A","message":"a"},{"message":"b"},{"code":"C"},{"code":"D"}]}"#);
    assert_eq!(two.text(), "A: a; b; C");
    assert_eq!(json(r#"{"details":"incorrect username or password"}"#).text(), "incorrect username or password");
    assert_eq!(json(r#"{"error":"invalid_grant","error_description":"expired"}"#).text(), "expired");
    assert_eq!(json(r#"{"errors":[{"co"#).text(), "malformed JSON");
    assert_eq!(json(r#"{"something":"else"}"#).text(), "");
    assert!(said("text/plain", "").is_silent());
}

#[test]
fn no_markup_is_shown() {
    let page = "<!DOCTYPE html><html><head><title lang=\"en\">Sign in\n to GitLab</title></head><body>…</body></html>";
    assert_eq!(said("text/html; charset=utf-8", page).text(), "an HTML page titled \"Sign in to GitLab\"");
    assert_eq!(said("application/json", "<html><body>oops").text(), "an HTML page");
    assert_eq!(said("text/html", "<title><b>x</b></title>").text(), "an HTML page");
    assert_eq!(
        said("application/xml", "<Error><Code>AccessDenied</Code></Error>").text(),
        "an XML document (AccessDenied)"
    );
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), start in "(<|<title>|\\{\"errors\":\\[)?") {
        let body = [start.as_bytes(), &body].concat();
        let said = Said::read(&HeaderMap::new(), &body, &[Secret::new("x")]);
        prop_assert!(!said.text().contains(char::is_control));
    }

    #[test]
    fn titles_with_letters_that_change_their_length_do_not_make_it_panic(title in "[İẞſKa-z<>/]{0,30}") {
        let _ = said("text/html", &format!("İ<TITLE>{title}</TITLE>İ<code>{title}</code>"));
    }
}

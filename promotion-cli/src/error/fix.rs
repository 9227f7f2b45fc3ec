//! What to do about a failing port: on disk, and at a registry.

use promotion_core::ports::PortErrorKind;

/// What to do next, if anything helps. What was attempted tells whether a registry was asked, and which.
pub(super) fn of(kind: &PortErrorKind, attempted: &str, message: &str) -> Option<String> {
    match host(attempted) {
        Some(host) => at_registry(kind, host, attempted, message),
        None => on_disk(kind).map(ToOwned::to_owned),
    }
}

const fn on_disk(kind: &PortErrorKind) -> Option<&'static str> {
    match kind {
        PortErrorKind::Forbidden => Some("check who owns the folder and who runs this command"),
        PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. } => Some(AGAIN),
        _ => None,
    }
}

const AGAIN: &str = "run it again: nothing is lost, it goes on where it stopped";

fn at_registry(kind: &PortErrorKind, host: &str, attempted: &str, message: &str) -> Option<String> {
    let fix = match kind {
        PortErrorKind::Unauthorized => {
            format!("log in with docker login {host}, or give --creds USER and --password-stdin")
        }
        PortErrorKind::Forbidden => {
            let permission = permission(attempted);
            format!("whoever this is at {host} needs the permission to {permission}; or log in as somebody else")
        }
        PortErrorKind::NotFound if attempted.contains("list tags") => {
            "check the name; promotion push creates the repository (some registries want it made first)".to_owned()
        }
        PortErrorKind::RateLimited { retry_after: Some(wait) } => {
            format!("wait {} seconds, then run it again: it goes on where it stopped", wait.as_secs().max(1))
        }
        PortErrorKind::RateLimited { retry_after: None } => {
            "wait a while, then run it again, with a lower --concurrency: it goes on where it stopped".to_owned()
        }
        PortErrorKind::Immutable => {
            "the registry lets no tag move; that is right for facts and releases, and wrong for channels".to_owned()
        }
        PortErrorKind::Unavailable | PortErrorKind::Invalid => match of_connection(message) {
            Some(fix) => fix.to_owned(),
            None if *kind == PortErrorKind::Unavailable => AGAIN.to_owned(),
            None => return None,
        },
        PortErrorKind::Unsupported => format!("use another registry than {host}, or a layout on disk, for this"),
        _ => return None,
    };
    Some(fix)
}

/// What TLS says when the other side speaks HTTP, when nobody vouches for its certificate, and the other way round.
fn of_connection(message: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["does not speak TLS", "InvalidContentType"]) {
        Some("if this registry speaks HTTP, say so with --plain-http")
    } else if says(&["HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port"]) {
        Some("this registry speaks HTTPS; leave out --plain-http")
    } else if says(&["UnknownIssuer"]) {
        Some("give the authority that signed the registry's certificate with --ca-file FILE")
    } else if says(&["certificate is not accepted"]) {
        Some("the registry's certificate is not for this name and time; check both")
    } else if says(&["no connection to"]) {
        Some("check the registry's name, and whether a proxy is needed (HTTPS_PROXY); then run it again")
    } else {
        None
    }
}

fn permission(attempted: &str) -> &'static str {
    let begins = |words: &[&str]| words.iter().any(|word| attempted.starts_with(word));
    if begins(&["put", "push", "upload", "mount", "start"]) {
        "push"
    } else if begins(&["delete"]) {
        "delete"
    } else {
        "pull"
    }
}

fn host(attempted: &str) -> Option<&str> {
    let (_, rest) = attempted.split_once("oci://")?;
    rest.split(['/', ' ', ':']).next().filter(|host| !host.is_empty())?;
    rest.split(['/', ' ']).next()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_kind_at_a_registry_says_what_helps() {
        let told = |kind: PortErrorKind, attempted: &str, message: &str| {
            of(&kind, &format!("{attempted} in oci://r.example:5000/acme/x"), message).unwrap_or_default()
        };
        assert!(told(PortErrorKind::Unauthorized, "resolve tag 1", "").contains("docker login r.example:5000,"));
        assert!(told(PortErrorKind::Forbidden, "put tag 1", "").contains("permission to push"));
        assert!(told(PortErrorKind::Forbidden, "get manifest", "").contains("permission to pull"));
        assert!(told(PortErrorKind::NotFound, "list tags", "").contains("promotion push creates"));
        let limited = PortErrorKind::RateLimited { retry_after: Some(Duration::from_secs(90)) };
        assert!(told(limited, "resolve tag 1", "").contains("wait 90 seconds"));
        let plain = "no trusted connection to r.example: it does not speak TLS; a registry without it needs plain HTTP";
        assert!(told(PortErrorKind::Unavailable, "list tags", plain).contains("--plain-http"));
        let unknown = "no trusted connection to r.example: its certificate is not accepted (UnknownIssuer)";
        assert!(told(PortErrorKind::Unavailable, "list tags", unknown).contains("--ca-file"));
        assert_eq!(told(PortErrorKind::Unavailable, "list tags", "503"), AGAIN);
    }

    #[test]
    fn a_folder_is_no_registry() {
        let fix = of(&PortErrorKind::Forbidden, "put tag 1 in ocidir://x", "").unwrap_or_default();
        assert!(fix.contains("owns the folder"), "{fix}");
    }
}

//! Under which names a credential file may hold the credentials of a repository.

/// What Docker Hub is called: in references, in files, and where it answers.
const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The keys for `path` at `host`, the most specific first.
pub(crate) fn keys(host: &str, path: &str) -> Vec<String> {
    let hub = HUB.contains(&host);
    let names = if hub { HUB.to_vec() } else { vec![host] };
    let mut keys = Vec::new();
    // Podman's: `quay.io/acme/platform`, `quay.io/acme`.
    for name in &names {
        let mut prefix = path;
        while !prefix.is_empty() {
            keys.push(format!("{name}/{prefix}"));
            prefix = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
    keys.extend(hub.then(|| HUB_KEY.to_owned()));
    keys.extend(names.iter().map(|name| (*name).to_owned()));
    keys.extend(names.iter().flat_map(|name| with_scheme(name)));
    keys
}

/// The forms that older tools write.
fn with_scheme(name: &str) -> impl Iterator<Item = String> {
    let schemes = ["https://", "http://", ""];
    let ends = ["", "/", "/v1/", "/v2/", "/v1", "/v2"];
    schemes.into_iter().flat_map(move |scheme| ends.map(|end| format!("{scheme}{name}{end}")))
}

/// What a helper is asked for.
pub(crate) fn store_key(host: &str) -> &str {
    if HUB.contains(&host) { HUB_KEY } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_key_comes_first() {
        let keys = keys("quay.io", "acme/platform");
        assert_eq!(keys[..3], ["quay.io/acme/platform", "quay.io/acme", "quay.io"]);
        assert!(keys.contains(&"https://quay.io/v1/".to_owned()));
        assert!(!keys.contains(&HUB_KEY.to_owned()));
    }

    #[test]
    fn docker_hub_has_one_key_under_all_its_names() {
        for host in HUB {
            assert!(keys(host, "acme/platform").contains(&HUB_KEY.to_owned()), "{host}");
            assert_eq!(store_key(host), HUB_KEY);
        }
        assert_eq!(store_key("ghcr.io"), "ghcr.io");
    }
}

//! Where everything is: the URLs of one repository (OCI distribution specification, "Endpoints").

use promotion_core::{Digest, Tag};
use reqwest::Url;

use super::shown;

/// The URLs of a repository.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    /// `https://HOST/v2/PATH/`
    base: Url,
}

impl Endpoints {
    /// `None` if such a URL would lead elsewhere than to this host and path.
    pub(super) fn new(scheme: &str, host: &str, path: &str) -> Option<Self> {
        let base = Url::parse(&format!("{scheme}://{host}/v2/{path}/")).ok()?;
        let rest = (base.username(), base.password(), base.query(), base.fragment());
        (base.path() == format!("/v2/{path}/") && rest == ("", None, None, None)).then_some(Self { base })
    }

    /// A URL of the registry, which tells its host from others.
    pub(super) const fn home(&self) -> &Url {
        &self.base
    }

    /// A page of tags: at most `n`, after `last`.
    pub(super) fn tags(&self, n: usize, last: Option<&str>) -> Url {
        let mut url = self.at("tags/list");
        url.query_pairs_mut().append_pair("n", &n.to_string());
        if let Some(last) = last {
            url.query_pairs_mut().append_pair("last", last);
        }
        url
    }

    pub(super) fn tag(&self, tag: &Tag) -> Url {
        self.at(&format!("manifests/{tag}"))
    }

    pub(super) fn manifest(&self, digest: Digest) -> Url {
        self.at(&format!("manifests/{digest}"))
    }

    /// A manifest that is put by its digest and tagged in the same request.
    pub(super) fn tagged(&self, digest: Digest, tag: &Tag) -> Url {
        let mut url = self.manifest(digest);
        url.query_pairs_mut().append_pair("tag", tag.as_str());
        url
    }

    pub(super) fn blob(&self, digest: Digest) -> Url {
        self.at(&format!("blobs/{digest}"))
    }

    pub(super) fn uploads(&self) -> Url {
        self.at("blobs/uploads/")
    }

    pub(super) fn mount(&self, digest: Digest, from: &str) -> Url {
        let mut url = self.uploads();
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
        url
    }

    pub(super) fn referrers(&self, subject: Digest) -> Url {
        self.at(&format!("referrers/{subject}"))
    }

    /// Where the registry pointed in an answer that came from `at`; `None` when that is no address.
    pub(super) fn pointed(&self, at: &Url, target: &str) -> Option<Url> {
        let mut url = at.join(target).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        // A registry that does not know of the TLS proxy before it calls itself http; leaving TLS would be wrong.
        let plain = self.base.scheme() == "https" && url.scheme() == "http" && url.host() == self.base.host();
        if plain && (url.port().is_none() || url.port() == self.base.port()) {
            url.set_scheme("https").ok()?;
            url.set_port(self.base.port()).ok()?;
        }
        shown::forget_user(&mut url);
        Some(url)
    }

    /// Whether a URL is at the registry itself.
    pub(super) fn is_home(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Appended as text: a path with a colon in its first segment (`sha256:…`) would be read as a scheme.
    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    fn endpoints(host: &str, path: &str) -> Endpoints {
        Endpoints::new("https", host, path).unwrap()
    }

    #[test]
    fn queries_are_encoded() {
        let here = endpoints("r.example", "a/b");
        assert_eq!(here.tags(7, Some("a&b/+")).as_str(), "https://r.example/v2/a/b/tags/list?n=7&last=a%26b%2F%2B");
        let digest = Digest::of(b"x");
        let mount = here.mount(digest, "c/d");
        let expected = format!("https://r.example/v2/a/b/blobs/uploads/?mount=sha256%3A{}&from=c%2Fd", digest.hex());
        assert_eq!(mount.as_str(), expected);
        assert_eq!(here.blob(digest).as_str(), format!("https://r.example/v2/a/b/blobs/{digest}"));
    }

    #[test]
    fn a_registry_that_calls_itself_http_is_still_reached_by_tls() {
        let here = endpoints("r.example:8443", "a");
        let at = here.uploads();
        let point = |target: &str| here.pointed(&at, target).map(String::from);
        assert_eq!(point("http://r.example/up?s=1").unwrap(), "https://r.example:8443/up?s=1");
        assert_eq!(point("http://other.example/up").unwrap(), "http://other.example/up");
        assert_eq!(
            point("/v2/a/blobs/uploads/7?_state=a%2Bb").unwrap(),
            "https://r.example:8443/v2/a/blobs/uploads/7?_state=a%2Bb"
        );
        assert_eq!(point("ftp://r.example/up"), None);
        assert_eq!(
            point("http://me:pw@r.example/up").unwrap(),
            "https://r.example:8443/up",
            "it tells nobody who we are"
        );
    }
}

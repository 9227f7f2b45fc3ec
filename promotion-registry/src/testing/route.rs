//! What a request of the distribution API is about, by its path.

/// The endpoint that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/v2/`
    Ping,
    /// `/token`, where the registry in the process hands out tokens; that of a real one may be anywhere.
    Token,
    /// `/v2/NAME/tags/list`
    Tags { repository: &'a str },
    /// `/v2/NAME/manifests/REFERENCE`
    Manifest { repository: &'a str, reference: &'a str },
    /// `/v2/NAME/blobs/DIGEST`
    Blob { repository: &'a str, digest: &'a str },
    /// `/v2/NAME/blobs/uploads/`
    Uploads { repository: &'a str },
    /// `/v2/NAME/blobs/uploads/ID`
    Upload { repository: &'a str, id: &'a str },
    /// `/v2/NAME/referrers/DIGEST`
    Referrers { repository: &'a str, digest: &'a str },
    /// Anything else.
    Other,
}

impl<'a> Route<'a> {
    pub(super) fn parse(path: &'a str) -> Self {
        match path {
            "/v2" | "/v2/" => Self::Ping,
            "/token" => Self::Token,
            _ => path.strip_prefix("/v2/").and_then(Self::in_repository).unwrap_or(Self::Other),
        }
    }

    /// A repository's name may hold any of the words of the API, so the path is read from its end.
    fn in_repository(path: &'a str) -> Option<Self> {
        if let Some(repository) = path.strip_suffix("/tags/list") {
            return Some(Self::Tags { repository });
        }
        if let Some(repository) = path.strip_suffix("/blobs/uploads/").or_else(|| path.strip_suffix("/blobs/uploads")) {
            return Some(Self::Uploads { repository });
        }
        let (before, last) = path.rsplit_once('/')?;
        if let Some(repository) = before.strip_suffix("/blobs/uploads") {
            return Some(Self::Upload { repository, id: last });
        }
        let (repository, endpoint) = before.rsplit_once('/')?;
        match endpoint {
            "manifests" => Some(Self::Manifest { repository, reference: last }),
            "blobs" => Some(Self::Blob { repository, digest: last }),
            "referrers" => Some(Self::Referrers { repository, digest: last }),
            _ => None,
        }
    }
}

/// Whether a manifest's reference is a digest rather than a tag, which has no colon.
pub(super) fn is_digest(reference: &str) -> bool {
    reference.contains(':') || reference.contains("%3A") || reference.contains("%3a")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_the_words_of_the_api() {
        let route = Route::parse("/v2/team/manifests/blobs/manifests/1.0.0");
        assert_eq!(route, Route::Manifest { repository: "team/manifests/blobs", reference: "1.0.0" });
        assert_eq!(Route::parse("/v2/a/tags/list/tags/list"), Route::Tags { repository: "a/tags/list" });
        assert_eq!(Route::parse("/v2/a/blobs/uploads/7"), Route::Upload { repository: "a", id: "7" });
        assert_eq!(Route::parse("/v2/a/blobs/uploads/"), Route::Uploads { repository: "a" });
        assert_eq!(Route::parse("/v2/a/anything/else"), Route::Other);
    }
}

//! How registries differ.

/// What a registry does otherwise than the specification's ideal, which is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quirks {
    /// How tags are listed.
    pub paging: Paging,
    /// Which tags cannot be moved, and how that is said.
    pub immutability: Immutability,
    /// What deleting a tag does.
    pub tag_delete: TagDelete,
    /// Who has to say who they are.
    pub auth: Auth,
    /// What the `Location` of an upload is.
    pub location: Location,
    /// The referrers API is 404, and a manifest's subject is not acknowledged.
    pub no_referrers_api: bool,
    /// No answer has a `Docker-Content-Digest`.
    pub no_digest_header: bool,
    /// Tags are stored in lower case, and a digest that loses its last tag is gone, as in Gitea.
    pub lower_cases_tags: bool,
    /// `PUT` by digest with `?tag=a&tag=b` sets these tags and says so in `OCI-Tag`, as zot from 2.1.16.
    pub multi_tag_put: bool,
    /// What is not there is answered with a page of HTML.
    pub html_404: bool,
    /// Every so many reads of a tag are answered as by distribution 2.8 while somebody writes the tag: 500, with `invalid
    /// checksum digest format`.
    pub torn_500: Option<u64>,
    /// A manifest whose media type is not in `Accept` is 404, as in distribution 2.8.
    pub accept_needed: bool,
    /// Uploads in chunks are refused, as by Artifact Registry: the blob comes whole with the `PUT` or `POST`.
    pub monolithic_only: bool,
}

/// How tags are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paging {
    /// Sorted; `n` and `last` are honoured, and `Link` leads on.
    #[default]
    Link,
    /// All at once, unsorted, as distribution 2.8.
    IgnoresN,
    /// `n` and `last` are honoured, without a `Link`.
    NoLinkButLast,
    /// `n` and `last` are honoured, without a `Link`; after the last tag it begins again, as go-containerregistry's.
    RestartsForever,
    /// `Link` carries a cursor that only the registry understands, and `last` is ignored, as in ECR Public.
    OpaqueCursor,
    /// Each page leads to itself by `Link`, without end.
    RepeatsPages,
    /// As `Link`, with pages of at most so many tags, whatever `n` asks for.
    CapsAt(usize),
}

/// Which tags cannot be moved, and how that is said. All of them refuse even the digest that the tag has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Immutability {
    /// Every tag may be moved.
    #[default]
    None,
    /// 412 with `PRECONDITION`.
    Harbor412,
    /// 400 with `TAG_INVALID`.
    Ecr400TagInvalid,
    /// 403 with `DENIED`, which Docker Hub also says to those who may not push.
    Hub403,
    /// 400 with `FAILED_PRECONDITION`.
    ArtifactRegistry,
}

/// What deleting a tag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TagDelete {
    /// The tag is removed, and nothing else.
    #[default]
    Works,
    /// 400 with `DIGEST_INVALID`, as distribution 2.8.
    Refused400,
    /// 405 with `UNSUPPORTED`, as GHCR.
    Refused405,
    /// The manifest is removed, with every tag on it.
    DeletesManifest,
}

/// Who has to say who they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// Nobody.
    #[default]
    None,
    /// Everybody, by HTTP Basic.
    Basic {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
    /// Everybody, by a token from `/token`, which asks for HTTP Basic.
    Bearer {
        /// The user's name.
        user: String,
        /// The user's password, which is good as an identity token too.
        password: String,
        /// After how many requests a token expires.
        uses: Option<u32>,
    },
    /// Whoever writes, by a token from `/token`; reading, `/v2/` included, is free. Tokens are given to everybody, but an
    /// anonymous one is for reading only.
    AnonymousPull {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
}

/// What the `Location` of an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Location {
    /// A path, with a query to keep.
    #[default]
    Relative,
    /// A URL of the host that the client asked for, with a query to keep.
    Absolute,
    /// Missing.
    Missing,
}

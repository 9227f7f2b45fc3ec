//! What is recorded of a request and its answer.

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request};

use crate::testing::route::{Route, is_digest};

/// A request that passed the proxy, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The number of the request since the proxy started, from 1.
    pub number: u64,
    /// `GET`, `HEAD`, ...
    pub method: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// What method and path mean together.
    pub operation: Operation,
    /// Whether the request had an `Authorization` header.
    pub authorized: bool,
    /// The status that the client was sent; none while the answer is awaited, and if the connection was reset.
    pub status: Option<u16>,
}

impl Exchange {
    pub(super) fn of(number: u64, request: &Request<Incoming>) -> Self {
        let uri = request.uri();
        Self {
            number,
            method: request.method().to_string(),
            path: uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string),
            operation: Operation::of(request.method(), uri.path()),
            authorized: request.headers().contains_key(AUTHORIZATION),
            status: None,
        }
    }
}

/// What a request asks for. `GET` and `HEAD` are told apart where registries count them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `GET /v2/`
    Ping,
    /// Anything of `/token`
    Token,
    /// `GET` of a page of tags
    ListTags,
    /// `HEAD` of a manifest by tag
    HeadTag,
    /// `HEAD` of a manifest by digest
    HeadDigest,
    /// `GET` of a manifest by tag
    GetTag,
    /// `GET` of a manifest by digest
    GetDigest,
    /// `PUT` of a manifest under a tag
    PutTag,
    /// `PUT` of a manifest by its digest
    PutDigest,
    /// `DELETE` of a manifest by tag
    DeleteTag,
    /// `DELETE` of a manifest by digest
    DeleteDigest,
    /// `HEAD` of a blob
    HeadBlob,
    /// `GET` of a blob
    GetBlob,
    /// `POST` that begins an upload, or asks for a mount
    BeginUpload,
    /// `PATCH` or `PUT` of an upload
    Upload,
    /// `GET` of referrers
    Referrers,
    /// Anything else
    Other,
}

impl Operation {
    fn of(method: &Method, path: &str) -> Self {
        match (method.as_str(), Route::parse(path)) {
            ("GET" | "HEAD", Route::Ping) => Self::Ping,
            (_, Route::Token) => Self::Token,
            ("GET", Route::Tags { .. }) => Self::ListTags,
            (method, Route::Manifest { reference, .. }) => Self::of_manifest(method, is_digest(reference)),
            ("HEAD", Route::Blob { .. }) => Self::HeadBlob,
            ("GET", Route::Blob { .. }) => Self::GetBlob,
            ("POST", Route::Uploads { .. }) => Self::BeginUpload,
            ("PATCH" | "PUT", Route::Upload { .. }) => Self::Upload,
            ("GET", Route::Referrers { .. }) => Self::Referrers,
            _ => Self::Other,
        }
    }

    fn of_manifest(method: &str, by_digest: bool) -> Self {
        match (method, by_digest) {
            ("HEAD", false) => Self::HeadTag,
            ("HEAD", true) => Self::HeadDigest,
            ("GET", false) => Self::GetTag,
            ("GET", true) => Self::GetDigest,
            ("PUT", false) => Self::PutTag,
            ("PUT", true) => Self::PutDigest,
            ("DELETE", false) => Self::DeleteTag,
            ("DELETE", true) => Self::DeleteDigest,
            _ => Self::Other,
        }
    }
}

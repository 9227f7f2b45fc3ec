//! Who we are, as flags and the environment say.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use promotion_registry::distribution::{Credential, Secret};

use crate::app::{App, variable};
use crate::error::Failure;
use crate::target;

/// `USER[:PASSWORD]`. Reading it never fails, because the message would show it; its checks come later.
#[derive(Clone)]
pub(crate) struct Creds(Secret);

impl FromStr for Creds {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Secret::new(text)))
    }
}

impl fmt::Debug for Creds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The credential of flags, else of the environment, if there is any; looked for once.
pub(super) fn given(app: &App, creds: Option<&Creds>, stdin: bool) -> Result<Option<Credential>, Failure> {
    if let Some(known) = app.credential.get() {
        return Ok(known.clone());
    }
    let found = read(app, creds, stdin)?;
    Ok(app.credential.get_or_init(|| found).clone())
}

fn read(app: &App, creds: Option<&Creds>, stdin: bool) -> Result<Option<Credential>, Failure> {
    let (user, inline) = match creds.map(|creds| creds.0.expose()) {
        None => (None, None),
        Some(text) => match text.split_once(':') {
            None => (Some(text.to_owned()), None),
            Some((user, password)) => (Some(user.to_owned()), Some(password.to_owned())),
        },
    };
    if inline.is_some() && stdin {
        return Err(usage("--creds has a password, and --password-stdin would bring another").fix("give one of them"));
    }
    if inline.is_some() {
        let warning = "warning: everyone on this machine can see a password in --creds; give --creds USER and \
                       --password-stdin, or log in with docker login or podman login";
        app.out.note(warning);
    }
    let Some(user) = user.or_else(|| variable("PROMOTION_USERNAME")) else {
        return match (stdin, variable("PROMOTION_PASSWORD")) {
            (false, None) => Ok(None),
            (true, _) => Err(usage("a password without a user").fix("give --creds USER or PROMOTION_USERNAME too")),
            (false, Some(_)) => Err(usage("PROMOTION_PASSWORD is set, and nobody says whose it is")
                .fix("set PROMOTION_USERNAME too, or give --creds USER")),
        };
    };
    let password = match inline {
        Some(password) => password,
        None if stdin => first_line(&target::stdin("read the password")?)?,
        None => variable("PROMOTION_PASSWORD").unwrap_or_default(),
    };
    if user.is_empty() || password.is_empty() {
        let missing = if user.is_empty() { "user" } else { "password" };
        return Err(usage(&format!("the {missing} is missing"))
            .fix("give --creds USER with --password-stdin or PROMOTION_PASSWORD, or --creds USER:PASSWORD"));
    }
    Ok(Some(Credential::Basic { user, password: Secret::new(password) }))
}

fn first_line(bytes: &[u8]) -> Result<String, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| usage("the password on stdin is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn usage(message: &str) -> Failure {
    Failure::usage("read the credential", message)
}

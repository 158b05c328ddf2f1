//! Passwords of users: how they are kept, and which are good enough.
//!
//! New ones are Argon2id (19 MiB, two passes), in the usual notation. Those that LiteLLM wrote are read: `scrypt:` and base64
//! of salt and key; of old releases the SHA-256 in hex. Both functions compute for tens of milliseconds: call them where
//! that stops nobody else.

mod policy;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use llm_types::{Error, Result, Secret};
use rand::Rng as _;

pub use policy::PasswordPolicy;

/// Memory of one computation, KiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Longest password that is looked at, in bytes.
const LONGEST: usize = 1024;
/// Bytes of salt and of key.
const SALT: usize = 16;
const KEY: usize = 32;

/// What a password is to what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// It is the one, and how it is kept is too weak: keep it anew.
    RightButWeak,
}

/// How a new password is kept.
///
/// # Errors
/// When the computation fails, which is for want of memory.
pub(crate) fn kept(password: &str) -> Result<Secret> {
    let mut salt = [0_u8; SALT];
    rand::rng().fill_bytes(&mut salt);
    let key = argon(password, &salt, MEMORY, PASSES, 1).ok_or_else(|| Error::internal("no password can be kept"))?;
    let (salt, key) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(key));
    Ok(Secret::new(format!("$argon2id$v=19$m={MEMORY},t={PASSES},p=1${salt}${key}")))
}

/// Whether this is the password. Whatever is kept, even nothing, Argon2 is computed once: the time says nothing of who is
/// here.
pub(crate) fn verdict(kept: Option<&Secret>, password: &str) -> Verdict {
    let kept = kept.map(Secret::expose).unwrap_or_default();
    if kept.starts_with("$argon2id$") && password.len() <= LONGEST {
        return if is_argon(kept, password) { Verdict::Right } else { Verdict::Wrong };
    }
    let spent = argon(password.get(..LONGEST.min(password.len())).unwrap_or_default(), &[0; SALT], MEMORY, PASSES, 1);
    if password.len() > LONGEST || spent.is_none() {
        return Verdict::Wrong;
    }
    match kept.strip_prefix("scrypt:") {
        Some(rest) if is_scrypt(rest, password) => Verdict::Right,
        Some(_) => Verdict::Wrong,
        None if is_sha256(kept, password) => Verdict::RightButWeak,
        None => Verdict::Wrong,
    }
}

fn argon(password: &str, salt: &[u8], memory: u32, passes: u32, lanes: u32) -> Option<[u8; KEY]> {
    use argon2::{Algorithm, Argon2, Params, Version};

    let params = Params::new(memory, passes, lanes, Some(KEY)).ok()?;
    let mut key = [0; KEY];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, &mut key).ok()?;
    Some(key)
}

/// `$argon2id$v=19$m=19456,t=2,p=1$salt$key`.
fn is_argon(kept: &str, password: &str) -> bool {
    let read = || {
        let mut parts = kept.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, key) = (parts.next()?, parts.next()?, parts.next()?);
        let mut costs = costs.split(',').map(|cost| cost.split_once('='));
        let mut cost = |wanted: &str| match costs.next()?? {
            (name, number) if name == wanted => number.parse::<u32>().ok(),
            _ => None,
        };
        let (memory, passes, lanes) = (cost("m")?, cost("t")?, cost("p")?);
        // What is kept must not take the whole machine.
        if memory > 256 * 1024 || passes > 16 || lanes > 16 {
            return None;
        }
        let (salt, key) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(key).ok()?);
        let computed = argon(password, &salt, memory, passes, lanes)?;
        Some(verify_slices_are_equal(&computed, &key).is_ok())
    };
    read() == Some(true)
}

/// LiteLLM's: base64 of 16 bytes of salt and 32 of key, n = 2^14, r = 8, p = 1.
fn is_scrypt(rest: &str, password: &str) -> bool {
    let Ok(raw) = STANDARD.decode(rest) else { return false };
    let Some((salt, key)) = raw.split_at_checked(SALT) else { return false };
    let mut computed = [0; KEY];
    let Ok(params) = scrypt::Params::new(14, 8, 1) else { return false };
    scrypt::scrypt(password.as_bytes(), salt, &params, &mut computed).is_ok()
        && verify_slices_are_equal(&computed, key).is_ok()
}

/// Of old releases: the digest in lowercase hex.
fn is_sha256(kept: &str, password: &str) -> bool {
    kept.len() == 64
        && verify_slices_are_equal(crate::KeyDigest::of(password).hex().as_bytes(), kept.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Python's hashlib as LiteLLM calls it, of "correct horse".
    const SCRYPT: &str = "scrypt:AAECAwQFBgcICQoLDA0ODyWzdoQDZvTTsOIeQUR2Z2480Oia9EMDVqI0zgtloCG1";
    /// Made by argon2-cffi, of "correct horse".
    const ARGON: &str =
        "$argon2id$v=19$m=8192,t=3,p=2$AhWR3+sZgN2I45SSMjhwVg$7DyaEVvvyycb9xofSU76KSLLgtfvZIAe4HemAndwTxU";

    #[test]
    fn what_is_kept_is_read_back() {
        let ours = kept("correct horse").unwrap();
        assert!(ours.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(ours.expose(), kept("correct horse").unwrap().expose(), "each has a salt of its own");
        let sha = crate::KeyDigest::of("correct horse").hex();
        for (kept, wanted) in [
            (ours.expose(), Verdict::Right),
            (SCRYPT, Verdict::Right),
            (ARGON, Verdict::Right),
            (&*sha, Verdict::RightButWeak),
            ("correct horse", Verdict::Wrong),
            ("scrypt:AAAA", Verdict::Wrong),
            ("scrypt:", Verdict::Wrong),
            ("$argon2id$v=19$m=4000000,t=2,p=1$AAAA$AAAA", Verdict::Wrong),
            ("$argon2id$v=19$m=19456,t=2$AAAA$AAAA", Verdict::Wrong),
            ("", Verdict::Wrong),
        ] {
            assert_eq!(verdict(Some(&Secret::new(kept)), "correct horse"), wanted, "{kept}");
            assert_eq!(verdict(Some(&Secret::new(kept)), "correct house"), Verdict::Wrong, "{kept}");
        }
        assert_eq!(verdict(None, ""), Verdict::Wrong);
        assert_eq!(verdict(Some(&Secret::new(sha.clone())), &sha), Verdict::Wrong, "a digest is no password");
        assert_eq!(verdict(Some(&ours), &"x".repeat(1 << 20)), Verdict::Wrong);
    }
}

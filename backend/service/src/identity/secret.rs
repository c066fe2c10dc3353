//! The master secret: 32 bytes, given as hex or kept in a file that only its owner reads.
//!
//! Whoever holds it can read phones and sign tokens; whoever loses it can no longer read phones. It is never
//! printed; its fingerprint, which the database remembers, tells one secret from another.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::entropy::{Entropy, NoEntropy, draw};

const SECRET_BYTES: usize = 32;

/// The master secret.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterSecret([u8; SECRET_BYTES]);

/// Why there is no master secret to work with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Not 64 hex digits.
    #[error("the master secret must be 64 hex digits (32 bytes)")]
    Malformed,
    /// The file cannot be read or made.
    #[error("secret file {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// Others on the machine may read the file.
    #[error("secret file {0} is open to others on this machine; chmod 600 it")]
    OpenToOthers(PathBuf),
    /// No randomness for a new secret.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// A key could not be derived.
    #[error("the keys could not be derived")]
    Derivation,
}

impl MasterSecret {
    /// From 64 hex digits.
    pub fn from_hex(text: &str) -> Result<Self, SecretError> {
        let mut bytes = [0; SECRET_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| SecretError::Malformed)?;
        Ok(Self(bytes))
    }

    /// From a file; a file that is not there is made, with a new secret. Safe for several processes at once.
    pub fn from_file(path: &Path, entropy: &dyn Entropy) -> Result<Self, SecretError> {
        let failed = |cause| SecretError::File { path: path.to_owned(), cause };
        match fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, entropy)?,
            Err(error) => return Err(failed(error)),
        }
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        // Group readers are how a container's orchestrator hands a secret to its user.
        if mode & 0o027 != 0 {
            return Err(SecretError::OpenToOthers(path.to_owned()));
        }
        Self::from_hex(&fs::read_to_string(path).map_err(failed)?)
    }

    pub(super) const fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Writes a new secret beside its place and links it there whole: the first process wins, nobody reads half a
/// file.
fn make(path: &Path, entropy: &dyn Entropy) -> Result<(), SecretError> {
    let failed = |cause| SecretError::File { path: path.to_owned(), cause };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let secret = hex::encode(draw::<SECRET_BYTES>(entropy)?);
    let draft = folder.join(format!(".secret-{}", hex::encode(draw::<8>(entropy)?)));
    let written = write_new(&draft, &secret).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => fs::File::open(folder)?.sync_all(),
    });
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(failed)
}

fn write_new(path: &Path, secret: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SystemEntropy;
    use super::*;

    #[test]
    fn only_64_hex_digits_are_a_secret() {
        for (digits, fits) in [(62, false), (63, false), (64, true), (65, false), (66, false)] {
            assert_eq!(MasterSecret::from_hex(&"a".repeat(digits)).is_ok(), fits, "{digits}");
        }
        assert!(MasterSecret::from_hex(&"g".repeat(64)).is_err());
        let secret = MasterSecret::from_hex(&format!("{}\n", "5a".repeat(32))).unwrap();
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn a_missing_file_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("secret.key");
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || MasterSecret::from_file(&path, &SystemEntropy).unwrap())
            })
            .collect();
        let first = MasterSecret::from_file(&path, &SystemEntropy).unwrap();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == first));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_others_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        fs::write(&path, "5a".repeat(32)).unwrap();
        for (mode, fits) in [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(MasterSecret::from_file(&path, &SystemEntropy).is_ok(), fits, "{mode:o}");
        }
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let refused = MasterSecret::from_file(&path, &SystemEntropy).unwrap_err();
        assert!(matches!(refused, SecretError::Malformed), "{refused}");
    }
}

//! Digests that recognise what was asked before.

use sha1::{Digest as _, Sha1};
use uuid::{Builder, Uuid};

/// The UUID of version 5, which is stored: it must be the same in every version. Computed by a SHA-1
/// that uses the processor's own instructions, which that of `Uuid::new_v5` does not: each
/// reservation needs two digests.
pub(crate) fn digest(namespace: &Uuid, of: &[u8]) -> [u8; 16] {
    let hash = Sha1::new().chain_update(namespace.as_bytes()).chain_update(of).finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    Builder::from_sha1_bytes(first).into_uuid().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_uuid_of_version_5() {
        let namespace = Uuid::from_u128(0x8d0c_61f2_4b7e_4a51_9c3d_e2a7_50f1_6b94);
        for length in [0, 1, 38, 39, 40, 47, 48, 200, 1_000] {
            let text = "x".repeat(length);
            let expected = Uuid::new_v5(&namespace, text.as_bytes()).into_bytes();
            assert_eq!(digest(&namespace, text.as_bytes()), expected, "{length} bytes");
        }
    }
}

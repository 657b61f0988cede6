//! The server side of Digest: challenges out, answers verified. (being written)

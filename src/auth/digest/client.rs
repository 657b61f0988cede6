//! The client side of Digest: a challenge in, an `Authorization` header out. (being written)

//! Proving who we are to others: keys from the environment, secret managers, request signing.

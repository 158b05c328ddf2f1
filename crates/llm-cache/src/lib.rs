//! Remembering responses: keys, backends, controls.

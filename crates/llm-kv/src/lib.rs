//! State that expires: values with a lifetime, atomic window counters, reservations.

//! The rules over those rows: who may do what, how much is left, reservation and settlement.

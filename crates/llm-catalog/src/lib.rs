//! Facts on models: prices, limits, capabilities, token counts, cost of a usage record.

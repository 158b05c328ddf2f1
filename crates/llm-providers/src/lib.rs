//! Providers: the generated table, own-format provider folders, resolution of provider/model.

//! Families of fal.ai's models: where they are and what they call things. As LiteLLM tells them apart.

/// A family.
#[derive(Debug)]
pub(super) struct Family {
    /// Parts of names by which it is known, in lower case.
    names: &'static [&'static str],
    /// Its path; a model that names a path below it goes there. Empty: the model is the path.
    path: &'static str,
    /// How models that name no house are written.
    house: &'static str,
    /// The judged parameters that it takes.
    pub takes: &'static [&'static str],
    /// It takes them as they are.
    pub plain: bool,
    /// `response_format` is told, as `output_format`.
    pub output_format: bool,
    /// How sizes are told.
    pub size: SizeWord,
}

/// How a family tells sizes.
#[derive(Debug, Clone, Copy)]
pub(super) enum SizeWord {
    /// `image_size`: a preset of the table, else width and height, else this preset.
    Preset(&'static [(&'static str, &'static str)], &'static str),
    /// `aspect_ratio`: of the table, else the nearest, else this one.
    Ratio(&'static [(&'static str, &'static str)], &'static [&'static str], &'static str),
    /// `image_size`: width and height.
    Pixels,
}

impl SizeWord {
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Ratio(..) => "aspect_ratio",
            Self::Preset(..) | Self::Pixels => "image_size",
        }
    }
}

type Table = &'static [(&'static str, &'static str)];

const OPENAI_PRESETS: Table = &[
    ("1024x1024", "square_hd"),
    ("512x512", "square"),
    ("1792x1024", "landscape_16_9"),
    ("1024x1792", "portrait_16_9"),
    ("1024x768", "landscape_4_3"),
    ("768x1024", "portrait_4_3"),
];
const OWN_PRESETS: Table = &[
    ("1024x1024", "square_hd"),
    ("512x512", "square"),
    ("768x1024", "portrait_4_3"),
    ("576x1024", "portrait_16_9"),
    ("1024x768", "landscape_4_3"),
    ("1024x576", "landscape_16_9"),
];
const IDEOGRAM_PRESETS: Table = &[
    ("1024x1024", "square_hd"),
    ("512x512", "square"),
    ("1024x768", "landscape_4_3"),
    ("768x1024", "portrait_4_3"),
    ("1536x1024", "landscape_16_9"),
    ("1024x1536", "portrait_16_9"),
];
const OPENAI_RATIOS: Table = &[
    ("1024x1024", "1:1"),
    ("512x512", "1:1"),
    ("1792x1024", "16:9"),
    ("1024x1792", "9:16"),
    ("1024x768", "4:3"),
    ("768x1024", "3:4"),
];

const FLUX: Family = Family {
    names: &["flux-pro"],
    path: "fal-ai/flux-pro/v1.1",
    house: "fal-ai/{model}",
    takes: &["n", "response_format", "size"],
    plain: false,
    output_format: true,
    size: SizeWord::Preset(OPENAI_PRESETS, "landscape_4_3"),
};

/// The families; the first that fits.
static FAMILIES: &[Family] = &[
    Family {
        names: &["gpt-image-2"],
        path: "",
        house: "openai/{model}",
        takes: &["n", "quality", "response_format", "size"],
        output_format: false,
        size: SizeWord::Pixels,
        ..FLUX
    },
    Family {
        names: &["nano-banana", "gemini-25-flash-image"],
        path: "",
        output_format: false,
        size: SizeWord::Ratio(&[], &["21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"], "1:1"),
        ..FLUX
    },
    Family {
        names: &["imagen4", "imagen-4"],
        path: "fal-ai/imagen4/preview",
        output_format: false,
        size: SizeWord::Ratio(OPENAI_RATIOS, &["1:1", "16:9", "9:16", "4:3", "3:4"], "1:1"),
        ..FLUX
    },
    Family {
        names: &["recraft/", "recraft-"],
        path: "fal-ai/recraft/v3/text-to-image",
        takes: &["response_format", "size"],
        output_format: false,
        size: SizeWord::Preset(OWN_PRESETS, "square_hd"),
        ..FLUX
    },
    Family {
        names: &["bria"],
        path: "bria/text-to-image/3.2",
        takes: &["response_format", "size"],
        output_format: false,
        size: SizeWord::Ratio(OPENAI_RATIOS, &["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5"], "1:1"),
        ..FLUX
    },
    Family {
        names: &["flux-pro/v1.1-ultra", "flux-pro-v1.1-ultra", "flux-pro-ultra"],
        path: "fal-ai/flux-pro/v1.1-ultra",
        size: SizeWord::Ratio(
            OPENAI_RATIOS,
            &["1:1", "21:9", "16:9", "4:3", "3:2", "3:4", "2:3", "9:16", "9:21"],
            "16:9",
        ),
        ..FLUX
    },
    FLUX,
    Family { names: &["schnell"], path: "fal-ai/flux/schnell", ..FLUX },
    Family { names: &["flux/dev", "flux-dev"], path: "fal-ai/flux/dev", ..FLUX },
    Family { names: &["bytedance/seedream"], path: "fal-ai/bytedance/seedream/v3/text-to-image", ..FLUX },
    Family { names: &["bytedance/dreamina"], path: "fal-ai/bytedance/dreamina/v3.1/text-to-image", ..FLUX },
    Family {
        names: &["ideogram"],
        path: "fal-ai/ideogram/v3",
        output_format: false,
        size: SizeWord::Preset(IDEOGRAM_PRESETS, "square_hd"),
        ..FLUX
    },
    Family { names: &["stable-diffusion"], path: "", size: SizeWord::Preset(OWN_PRESETS, "landscape_4_3"), ..FLUX },
];

static PLAIN: Family = Family { names: &[], path: "", plain: true, ..FLUX };

impl Family {
    pub(super) fn of(model: &str) -> &'static Self {
        let model = model.to_ascii_lowercase();
        FAMILIES.iter().find(|f| f.names.iter().any(|n| model.contains(n))).unwrap_or(&PLAIN)
    }

    /// Where a model is.
    pub(super) fn path(&self, model: &str) -> String {
        if self.path.is_empty() || model.starts_with(self.path) {
            let house = self.house.split("{model}").next().unwrap_or_default();
            let named = model.starts_with(house) || model.starts_with("fal-ai/");
            let elsewhere = model.contains('/') && self.house == FLUX.house;
            return if named || elsewhere { model.to_owned() } else { self.house.replace("{model}", model) };
        }
        self.path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_paths() {
        let path = |model: &str| Family::of(model).path(model);
        assert_eq!(path("fal-ai/imagen4/preview/fast"), "fal-ai/imagen4/preview/fast");
        assert_eq!(path("imagen4"), "fal-ai/imagen4/preview");
        assert_eq!(path("gpt-image-2"), "openai/gpt-image-2");
        assert_eq!(path("openai/gpt-image-2.5/flare/text-to-image"), "openai/gpt-image-2.5/flare/text-to-image");
        assert_eq!(path("stable-diffusion-v35-medium"), "fal-ai/stable-diffusion-v35-medium");
        assert_eq!(path("fal-ai/flux-pro/v1.1-ultra"), "fal-ai/flux-pro/v1.1-ultra");
        assert_eq!(path("fal-ai/flux-pro/v1.1"), "fal-ai/flux-pro/v1.1");
        assert_eq!(path("bria/text-to-image/3.2"), "bria/text-to-image/3.2");
        assert_eq!(path("some/other"), "some/other");
    }
}

//! What is not priced by token: images, seconds, characters, queries, pages.
//!
//! `input_cost_per_request` of the table (four retired models) is not billed, as in the reference.

use llm_types::Usage;

use super::{CostBreakdown, CostOptions, priced, rates::Rates};
use crate::{Field, ModelRef, derive::RESULTS_SCALE};

pub(super) fn add(
    bill: &mut CostBreakdown,
    model: ModelRef<'_>,
    rates: &Rates<'_>,
    usage: &Usage,
    options: &CostOptions<'_>,
) {
    let price = |field| rates.unit(field).unwrap_or(0.0);
    let paid_by_token = bill.input + bill.output > 0.0;

    bill.input += priced(usage.characters_in as f64, || price(Field::InputCostPerCharacter));
    bill.input += priced(usage.images_in as f64, || price(Field::InputCostPerImage));
    bill.input += priced(usage.queries as f64, || query_price(model, rates, options.max_results));
    bill.input += pages(rates, usage);
    bill.input += video_seconds_in(rates, usage.video_seconds_in);
    bill.output += priced(usage.characters_out as f64, || price(Field::OutputCostPerCharacter));
    bill.output += priced(usage.video_seconds_out, || video_second(rates, options.video_resolution));
    // Tokens already pay for these where the model prices tokens.
    if !paid_by_token {
        let (input, output) = audio_seconds(rates, usage);
        bill.input += input;
        bill.output += output;
        bill.output += priced(usage.images_out as f64, || image(rates, options.image_size));
    }
    // Models billed only by how long they ran.
    if let Some(seconds) = options.response_seconds.filter(|_| !rates.by_token() && usage.seconds_in == 0.0) {
        bill.input += seconds * price(Field::InputCostPerSecond);
        bill.output += seconds * price(Field::OutputCostPerSecond);
    }
}

/// Price of a query; search providers may ask more for more results.
fn query_price(model: ModelRef<'_>, rates: &Rates<'_>, max_results: Option<u64>) -> f64 {
    let wanted = max_results.unwrap_or(1);
    let lines = model.table.cells_of(model.place, Field::ResultsInputCostPerQuery.id());
    let mut line = None;
    for (key, value) in lines {
        if line.is_none() || wanted >= key.above() / RESULTS_SCALE {
            line = Some(value.number);
        }
    }
    line.or_else(|| rates.unit(Field::InputCostPerQuery)).unwrap_or(0.0)
}

fn pages(rates: &Rates<'_>, usage: &Usage) -> f64 {
    let price = |field| rates.unit(field).unwrap_or(0.0);
    let annotations = priced(usage.annotation_pages as f64, || price(Field::AnnotationCostPerPage));
    let per_credit = if usage.credits > 0.0 { rates.unit(Field::OcrCostPerCredit) } else { None };
    let read = match per_credit {
        Some(price) => usage.credits * price,
        None => priced(usage.pages as f64, || price(Field::OcrCostPerPage)),
    };
    annotations + read
}

/// Transcription has one price per second; the table names it as input, as output or as both.
fn audio_seconds(rates: &Rates<'_>, usage: &Usage) -> (f64, f64) {
    if usage.seconds_in == 0.0 && usage.seconds_out == 0.0 {
        return (0.0, 0.0);
    }
    let output = rates.unit(Field::OutputCostPerSecond).filter(|price| *price > 0.0);
    let spoken = usage.seconds_out * output.unwrap_or(0.0);
    let per_audio = rates.unit(Field::InputCostPerAudioPerSecond);
    match (per_audio, output) {
        (Some(price), _) => (usage.seconds_in * price, spoken),
        (None, Some(price)) => (0.0, usage.seconds_in * price + spoken),
        (None, None) => (usage.seconds_in * rates.unit(Field::InputCostPerSecond).unwrap_or(0.0), spoken),
    }
}

fn video_seconds_in(rates: &Rates<'_>, seconds: f64) -> f64 {
    if seconds <= 0.0 {
        return 0.0;
    }
    let long = if seconds > 15.0 {
        rates.unit(Field::InputCostPerVideoPerSecondAbove15sInterval)
    } else if seconds > 8.0 {
        rates.unit(Field::InputCostPerVideoPerSecondAbove8sInterval)
    } else {
        None
    };
    seconds * long.or_else(|| rates.unit(Field::InputCostPerVideoPerSecond)).unwrap_or(0.0)
}

fn video_second(rates: &Rates<'_>, resolution: Option<&str>) -> f64 {
    const BY_RESOLUTION: [(&str, Field); 6] = [
        ("480p", Field::OutputCostPerSecond480p),
        ("720p", Field::OutputCostPerSecond720p),
        ("768p", Field::OutputCostPerSecond768p),
        ("1080p", Field::OutputCostPerSecond1080p),
        ("2k", Field::OutputCostPerSecond2k),
        ("4k", Field::OutputCostPerSecond4k),
    ];
    let named = resolution.and_then(|wanted| {
        let (_, field) = BY_RESOLUTION.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.trim()))?;
        rates.unit(*field)
    });
    rates
        .unit(Field::OutputCostPerVideoPerSecond)
        .or(named)
        .or_else(|| rates.unit(Field::OutputCostPerSecond))
        .unwrap_or(0.0)
}

/// Price of one generated image: by size class, per image, or per pixel.
fn image(rates: &Rates<'_>, size: Option<&str>) -> f64 {
    const CLASSES: [(u64, &str, Field); 7] = [
        (512, "512", Field::OutputCostPerImage512),
        (512, "0.5K", Field::OutputCostPerImage05K),
        (1024, "1024", Field::OutputCostPerImage1024),
        (1024, "1K", Field::OutputCostPerImage1K),
        (1536, "1536", Field::OutputCostPerImage1536),
        (2048, "2K", Field::OutputCostPerImage2K),
        (4096, "4K", Field::OutputCostPerImage4K),
    ];
    let pixels = size.and_then(pixels);
    let class = CLASSES.iter().find_map(|(side, name, field)| {
        let named = size.is_some_and(|size| size.eq_ignore_ascii_case(name));
        let sized = pixels.is_some_and(|(width, height)| width.max(height) == *side);
        if named || sized { rates.unit(*field) } else { None }
    });
    class
        .or_else(|| rates.unit(Field::OutputCostPerImage))
        .or_else(|| rates.unit(Field::InputCostPerImage))
        .unwrap_or_else(|| {
            let (width, height) = pixels.unwrap_or((1024, 1024));
            let per_pixel = rates.unit(Field::InputCostPerPixel).filter(|price| *price > 0.0);
            let per_pixel = per_pixel.or_else(|| rates.unit(Field::OutputCostPerPixel)).unwrap_or(0.0);
            per_pixel * (width * height) as f64
        })
}

/// Width and height of `1024x1536` or `1024-x-1536`.
fn pixels(size: &str) -> Option<(u64, u64)> {
    let (width, height) = size.split_once("-x-").or_else(|| size.split_once('x'))?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

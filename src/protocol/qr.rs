//! QR codes for a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// `text` as a QR code for light text on a dark background, two rows of modules to a line.
///
/// `text` has to fit: every invitation does (460 of 2953 bytes).
pub(super) fn for_dark_terminal(text: &str) -> String {
    // The lowest level of error correction: a screen is clean, and a smaller code fits 80 columns.
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .expect("an invitation is shorter than the longest QR code");
    // A half block is drawn in the colour of the text, which is the light one. So light modules,
    // and with them the quiet zone of 4 modules, are blocks; dark modules are left blank.
    code.render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .module_dimensions(1, 1)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET_ZONE: usize = 4;

    /// What a dark terminal shows: rows of modules, `true` for light.
    fn pixels(code: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in code.lines() {
            let (top, bottom) = line
                .chars()
                .map(|c| match c {
                    ' ' => (false, false),
                    '▀' => (true, false),
                    '▄' => (false, true),
                    '█' => (true, true),
                    other => panic!("unexpected {other:?}"),
                })
                .unzip();
            rows.push(top);
            rows.push(bottom);
        }
        rows
    }

    #[test]
    fn the_code_is_square_and_has_a_light_quiet_zone() {
        for length in [1, 100, 230, 460] {
            let mut rows = pixels(&for_dark_terminal(&"a".repeat(length)));
            let width = rows[0].len();
            // The width is odd, so one half of the last line shows the terminal's background.
            assert!(rows.pop().unwrap().iter().all(|&light| !light));
            assert_eq!((rows.len(), (width - 2 * QUIET_ZONE) % 4), (width, 1));
            for (y, row) in rows.iter().enumerate() {
                for (x, &light) in row.iter().enumerate() {
                    let inside = |at| (QUIET_ZONE..width - QUIET_ZONE).contains(&at);
                    assert!(light || (inside(x) && inside(y)), "dark at {x}, {y}");
                }
            }
            // The dark corners of the finder patterns start right behind it.
            let last = width - QUIET_ZONE - 1;
            assert!(
                !rows[QUIET_ZONE][QUIET_ZONE] && !rows[QUIET_ZONE][last] && !rows[last][QUIET_ZONE]
            );
        }
    }

    #[test]
    fn a_scanner_reads_the_text_from_a_picture_of_the_terminal() {
        const SCALE: usize = 4;
        const MARGIN: usize = 20;
        for length in [1, 100, 230, 460] {
            let text: String = (0..length).map(|i| char::from(b'a' + (i * i % 26) as u8)).collect();
            let rows = pixels(&for_dark_terminal(&text));
            let shade = |x: usize, y: usize| {
                let at = |v: usize| v.checked_sub(MARGIN).map(|v| v / SCALE);
                let module =
                    at(y).and_then(|y| rows.get(y)).zip(at(x)).and_then(|(row, x)| row.get(x));
                if module == Some(&true) { 230 } else { 20 }
            };
            let (width, height) =
                (rows[0].len() * SCALE + 2 * MARGIN, rows.len() * SCALE + 2 * MARGIN);
            let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
            let grids = picture.detect_grids();
            assert_eq!(grids.len(), 1);
            assert_eq!(grids[0].decode().unwrap().1, text);
        }
    }
}

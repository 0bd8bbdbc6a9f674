//! Sizes as people write them.

/// Parses `"25 MiB"`, `"512 KiB"`, `"10 MB"`, `"900 B"`.
pub fn parse_size(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "not a size such as \"25 MiB\"";
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(WRONG),
    };
    number.checked_mul(unit).ok_or(WRONG)
}

/// Writes a size in the largest binary unit that leaves at least one.
pub fn format_size(size: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in UNITS {
        if size >= unit {
            return if size.is_multiple_of(unit) {
                format!("{} {name}", size / unit)
            } else {
                format!("{:.1} {name}", size as f64 / unit as f64)
            };
        }
    }
    format!("{size} B")
}

// SPDX-License-Identifier: GPL-2.0

//! The device view: the backlog and the bandwidth of each device.

use crate::table;
use memcgfs::devices::Device;
use memcgfs::escaped;
use memcgfs::units::Bytes;
use ratatui::layout::Rect;
use ratatui::widgets::Paragraph;
use ratatui::Frame;

/// Draws the figures; an error says why there are none.
pub fn draw(frame: &mut Frame<'_>, devices: &Result<Vec<Device>, String>, area: Rect) {
    let text = match devices {
        Ok(devices) => text(devices),
        Err(why) => why.clone(),
    };
    frame.render_widget(Paragraph::new(text), area);
}

fn text(devices: &[Device]) -> String {
    let heads = [
        "DEVICE",
        "NAME",
        "DIRTY",
        "WRITEBACK",
        "BANDWIDTH",
        "DRAINS IN",
        "LIMIT",
        "",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    for device in devices {
        let size = |bytes: u64| Bytes(bytes).to_string();
        let drains = device.drains_in().map_or_else(
            || "-".to_owned(),
            |time| format!("{}.{}s", time.as_secs(), time.subsec_millis() / 100),
        );
        rows.push([
            escaped(&device.number),
            device.name.as_deref().map_or("-".to_owned(), escaped),
            size(device.reclaimable),
            size(device.writeback),
            format!("{}/s", Bytes(device.bandwidth)),
            drains,
            size(device.limit),
            match device.strict {
                true => "strict".to_owned(),
                false => String::new(),
            },
        ]);
    }
    table::lines(&rows)
}

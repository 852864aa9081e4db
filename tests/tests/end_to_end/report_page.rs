//! The report in a real browser, headless: it opens without a request or an error, its tables sort and filter by
//! keyboard, and both themes apply. Needs Chromium (`CHROMIUM` names it); without one the test says so and is skipped.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{run_well, skip, small_suite};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the page is made to do; what it saw goes into the document's title, as JSON.
const SCRIPT: &str = r#"<script>
const seen = { errors: [] };
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push(event.blockedURI));
addEventListener("load", () => {
  const place = (table) => Array.from(table.tHead.rows[0].cells).findIndex((cell) => cell.textContent === "AUROC");
  const table = Array.from(document.querySelectorAll("table.sortable")).find((table) => place(table) >= 0);
  const column = place(table);
  const rows = () => Array.from(table.tBodies[0].rows);
  const header = table.tHead.rows[0].cells[column];
  const points = () => rows().map((row) => parseFloat(row.cells[column].textContent)).filter((point) => !isNaN(point));
  const enter = () => header.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  seen.focusable = header.tabIndex;
  enter();
  seen.falling = points();
  seen.sort = header.getAttribute("aria-sort");
  enter();
  seen.rising = points();
  const field = table.closest(".scroll").previousElementSibling.querySelector("input");
  seen.rows = rows().length;
  field.value = "kmer-2 linear";
  field.dispatchEvent(new Event("input"));
  seen.shown = rows().filter((row) => !row.hidden).map((row) => row.textContent);
  seen.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  seen.background = getComputedStyle(document.body).backgroundColor;
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  seen.unlabelled = document.querySelectorAll("svg[role=img]:not([aria-label])").length;
  document.title = JSON.stringify(seen);
});
</script>"#;

/// Chromium or Chrome, where there is one.
fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// Opens a page and gives what the script saw.
fn open(browser: &Path, page: &Path, profile: &Path, dark: bool) -> serde_json::Value {
    let theme = if dark { 0 } else { 1 };
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=2000"])
        .arg(format!("--blink-settings=preferredColorScheme={theme}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    let title = title.unwrap_or_else(|| panic!("no page: {}", said()));
    serde_json::from_str(&title.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
        .unwrap_or_else(|error| panic!("{error}: {title}\n{}", said()))
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        skip("no Chromium on the path");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let text = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    let page = folder.path().join("page.html");
    fs::write(&page, text.replace("</main>", &format!("</main>{SCRIPT}"))).unwrap();
    let profile = folder.path().join("profile");
    for dark in [false, true] {
        let seen = open(&browser, &page, &profile, dark);
        assert_eq!(seen["errors"].as_array().unwrap().len(), 0, "{seen}");
        assert_eq!(seen["requests"].as_array().unwrap().len(), 0, "{seen}");
        assert_eq!((&seen["focusable"], &seen["sort"]), (&0.into(), &"descending".into()), "{seen}");
        let (falling, rising) = (numbers(&seen["falling"]), numbers(&seen["rising"]));
        assert!(falling.len() > 4 && falling.windows(2).all(|pair| pair[0] >= pair[1]), "{falling:?}");
        assert!(
            rising.len() == falling.len() && rising.windows(2).all(|pair| pair[0] <= pair[1]),
            "{rising:?}"
        );
        let shown = seen["shown"].as_array().unwrap();
        assert!(!shown.is_empty() && shown.len() < seen["rows"].as_u64().unwrap() as usize, "{seen}");
        assert!(shown.iter().all(|row| row.as_str().unwrap().contains("kmer-2")), "{seen}");
        assert_eq!(seen["dark"], dark, "{seen}");
        let background = if dark { "rgb(20, 23, 26)" } else { "rgb(251, 251, 250)" };
        assert_eq!((&seen["background"], &seen["unlabelled"]), (&background.into(), &0.into()), "{seen}");
    }
}

//! What each renderer makes of a run that holds every case.

use seqprobe_report::record::{Gain, PairedDifference, Role, Status, Warning};
use seqprobe_report::{FORMATS, render, render_table};

#[test]
fn every_format_renders_and_ends_with_a_line_break() {
    let record = crate::sample::run();
    for format in FORMATS {
        let text = format.render(&record).unwrap();
        assert!(text.ends_with('\n'), "{} ends with {:?}", format.id, text.chars().last());
        assert_eq!(render(&record, format.id).unwrap(), text, "{}", format.id);
        for cell in
            record.cells.iter().filter(|cell| cell.status == Status::Ok && cell.role == Role::Baseline)
        {
            let shown = format.id == "verdicts" || text.contains(cell.id.representation.as_str());
            assert!(shown, "{} does not name {}", format.id, cell.id);
        }
        assert!(!text.contains("NaN"), "{}", format.id);
    }
}

#[test]
fn formats_have_distinct_names_and_the_record_comes_last() {
    let mut ids: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
    let mut files: Vec<&str> = FORMATS.iter().filter_map(|format| format.file_name).collect();
    assert_eq!(files.last(), Some(&"run.json"));
    let (n_ids, n_files) = (ids.len(), files.len());
    ids.sort_unstable();
    ids.dedup();
    files.sort_unstable();
    files.dedup();
    assert_eq!((ids.len(), files.len()), (n_ids, n_files));
}

#[test]
fn an_unknown_format_names_those_there_are() {
    let error = render(&crate::sample::run(), "pdf").unwrap_err().to_string();
    insta::assert_snapshot!(error, @r#"
unknown report format "pdf"
  hint: the formats are table, csv, verdicts, html, md, junit, json
"#);
}

#[test]
fn table() {
    insta::assert_snapshot!(render_table(&crate::sample::run()), @r#"
warning: gue-tf-0: the sequences of 14 of 1000 test rows are also in train, on either strand; the suite key drop_leaks removes them from train
warning: <script>alert('x')</script>|`@someone` is small

gue-tf-0, MCC on test, 1000 examples
──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 representation            setting          probe    role       MCC                    note
══════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════
 onehot                    flatten          linear   baseline   0.531 [0.498, 0.563]
 kmer-4                                     linear   baseline   0.610 [0.579, 0.641]
 models/nt-v2-50m          final · mean     linear   model      0.688 [0.658, 0.716]
 random:models/nt-v2-50m   final · mean     linear   control    0.402 [0.362, 0.441]
 onehot                    tokens           cnn      baseline   0.694 [0.664, 0.722]
 models/nt-v2-50m          final · tokens   cnn      model      0.701 [0.672, 0.730]   did not converge
 kmer-4                                     cnn      baseline                          not applicable: k-mer counts have no positions for a cnn
 =cmd|' /C calc'!A0        final · mean     linear   model                             failed: =weights: tensor "embed" is missing; hint: see <b>the card</b>
 majority                                   -        control    undefined              the prediction is constant
──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

<script>alert('x')</script>|`@someone`, MSE on test, 1000 examples in 240 clusters by gene
───────────────────────────────────────────────────────────────────────────────────
 representation     setting        probe    role       MSE                    note
═══════════════════════════════════════════════════════════════════════════════════
 onehot             flatten        linear   baseline   0.401 [0.371, 0.430]
 models/nt-v2-50m   final · mean   linear   model      0.390 [0.360, 0.420]
 oracle                            -        oracle     0.250 [0.240, 0.260]
───────────────────────────────────────────────────────────────────────────────────

models/nt-v2-50m with linear beats every baseline on 1 of 2 tasks and loses to at least one baseline on 1; with cnn it beats every baseline on 0 of 1 and is unclear on 1; with its best probe it beats every baseline on 0 of 1 and ties with the best baseline on 1
=cmd|' /C calc'!A0 with linear beats every baseline on 0 of 1 task and is unclear on 1
gue-tf-0: models/nt-v2-50m with linear (final · mean) beats every baseline by more than 0.01 MCC (smallest difference +0.077 [0.042, 0.113] against kmer-4), but a class or target has fewer than 50 test examples; 211 of 1000 test rows have a near-duplicate in train
gue-tf-0: models/nt-v2-50m with cnn (final · mean): unclear, the interval of the difference contains the margin of 0.01 MCC: +0.007 [-0.020, 0.034] against onehot (the smallest difference that this test set can show is 0.042, a difference of this size needs about 5977 test examples, a tie needs about 9694)
gue-tf-0: models/nt-v2-50m with its best probe (final · mean) ties with the best baseline, within 0.01 MCC (its difference +0.0010 [-0.0081, 0.0098] against onehot with cnn)
gue-tf-0: =cmd|' /C calc'!A0 with linear (final · mean): unclear, the model's cell failed
<script>alert('x')</script>|`@someone`: models/nt-v2-50m with linear (final · mean) loses by more than 0.01 MSE: -0.050 [-0.070, -0.030] against onehot
<script>alert('x')</script>|`@someone`: models/nt-v2-50m (final · mean) with linear (0.390 [0.360, 0.420]) is 0.140 short of the oracle (0.250 [0.240, 0.260])
"#);
}

#[test]
fn table_without_a_model_names_the_best_representation() {
    let mut record = crate::sample::run();
    record.warnings.clear();
    record.verdicts.clear();
    record.datasets.truncate(1);
    record.cells.retain(|cell| cell.role != Role::Model);
    insta::assert_snapshot!(render_table(&record).lines().last().unwrap(), @"gue-tf-0: onehot (tokens) with cnn scored best, MCC 0.694 [0.664, 0.722] (there is no model to compare)");
}

#[test]
fn smaller_is_better_for_losses() {
    let mut record = crate::sample::run();
    record.verdicts.clear();
    let text = render_table(&record);
    let last = text.lines().rev().nth(1).unwrap();
    assert!(last.contains("models/nt-v2-50m (final · mean) with linear scored best, MSE 0.390"), "{last}");
}

#[test]
fn table_holds_no_control_characters() {
    let mut record = crate::sample::run();
    record.warnings.push(Warning::Text { text: "\u{1b}[2J cleared".to_owned() });
    record.cells[0].id.representation = "one\u{7}hot".into();
    let text = render_table(&record);
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render(&crate::sample::run(), "md").unwrap(), @r#"
## seqprobe: gue &amp; friends

> **Warning:** gue-tf-0: the sequences of 14 of 1000 test rows are also in train, on either strand; the suite key drop\_leaks removes them from train
>
> **Warning:** &lt;script&gt;alert('x')&lt;/script&gt;\|\`&#64;someone\` is small
>

- models/nt-v2-50m with linear beats every baseline on 1 of 2 tasks and loses to at least one baseline on 1; with cnn it beats every baseline on 0 of 1 and is unclear on 1; with its best probe it beats every baseline on 0 of 1 and ties with the best baseline on 1
- =cmd\|' /C calc'!A0 with linear beats every baseline on 0 of 1 task and is unclear on 1

- **beats**: `gue-tf-0`: models/nt-v2-50m with linear (final · mean) beats every baseline by more than 0.01 MCC (smallest difference +0.077 \[0.042, 0.113\] against kmer-4), but a class or target has fewer than 50 test examples; 211 of 1000 test rows have a near-duplicate in train
- **unclear**: `gue-tf-0`: models/nt-v2-50m with cnn (final · mean): unclear, the interval of the difference contains the margin of 0.01 MCC: +0.007 \[-0.020, 0.034\] against onehot (the smallest difference that this test set can show is 0.042, a difference of this size needs about 5977 test examples, a tie needs about 9694)
- **ties**: `gue-tf-0`: models/nt-v2-50m with its best probe (final · mean) ties with the best baseline, within 0.01 MCC (its difference +0.0010 \[-0.0081, 0.0098\] against onehot with cnn)
- **unclear**: `gue-tf-0`: =cmd\|' /C calc'!A0 with linear (final · mean): unclear, the model's cell failed
- **loses**: `<script>alert('x')</script>  @someone `: models/nt-v2-50m with linear (final · mean) loses by more than 0.01 MSE: -0.050 \[-0.070, -0.030\] against onehot
- `<script>alert('x')</script>  @someone `: models/nt-v2-50m (final · mean) with linear (0.390 \[0.360, 0.420\]) is 0.140 short of the oracle (0.250 \[0.240, 0.260\])

### gue-tf-0

MCC on 1000 test examples, 95% interval in brackets.

| representation | setting | probe | role | MCC | note |
|---|---|---|---|---|---|
| onehot | flatten | linear | baseline | 0.531 \[0.498, 0.563\] |  |
| kmer-4 |  | linear | baseline | 0.610 \[0.579, 0.641\] |  |
| models/nt-v2-50m | final · mean | linear | model | 0.688 \[0.658, 0.716\] |  |
| random:models/nt-v2-50m | final · mean | linear | control | 0.402 \[0.362, 0.441\] |  |
| onehot | tokens | cnn | baseline | 0.694 \[0.664, 0.722\] |  |
| models/nt-v2-50m | final · tokens | cnn | model | 0.701 \[0.672, 0.730\] | did not converge |
| kmer-4 |  | cnn | baseline |  | not applicable: k-mer counts have no positions for a cnn |
| =cmd\|' /C calc'!A0 | final · mean | linear | model |  | failed: =weights: tensor "embed" is missing; hint: see &lt;b&gt;the card&lt;/b&gt; |
| majority |  | - | control | undefined | the prediction is constant |

### &lt;script&gt;alert('x')&lt;/script&gt;\|\`&#64;someone\`

MSE on 1000 test examples, 95% interval in brackets.

| representation | setting | probe | role | MSE | note |
|---|---|---|---|---|---|
| onehot | flatten | linear | baseline | 0.401 \[0.371, 0.430\] |  |
| models/nt-v2-50m | final · mean | linear | model | 0.390 \[0.360, 0.420\] |  |
| oracle |  | - | oracle | 0.250 \[0.240, 0.260\] |  |

<sub>seqprobe 0.1.0 (8d6a472c), libtorch 2.11.0, cpu, 2 cores; started 2026-11-21T01:00:00Z, took 12 min 34 s</sub>
"#);
}

#[test]
fn markdown_of_a_large_run_fits_a_comment() {
    let mut record = crate::sample::large();
    let text = render(&record, "md").unwrap();
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.contains("- `gue-task-19`: 21 × beats"));
    for cell in &mut record.cells {
        let long = format!("{}{}", cell.id.representation, "-long".repeat(30));
        cell.id.representation = long.as_str().into();
    }
    let text = render(&record, "md").unwrap();
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.contains("report.html has all of them"));
    assert!(text.contains("- `gue-task-19`: 21 × beats"));
}

#[test]
fn results() {
    insta::assert_snapshot!(render(&crate::sample::run(), "csv").unwrap(), @r#"
dataset,target,split,representation,variant,layer,pooling,probe,fraction,metric,point,lower,upper,level,method,n_test,n_seeds,parameters,status,reason
gue-tf-0,label,valid,onehot,-,-,flatten,linear,1,mcc,0.5312,0.498,0.5633,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,onehot,-,-,flatten,linear,1,mcc,0.5312,0.498,0.5633,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,onehot,-,-,flatten,linear,1,auroc,0.7656000000000001,0.749,0.78165,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,valid,kmer-4,-,-,-,linear,1,mcc,0.6104,0.579,0.641,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,kmer-4,-,-,-,linear,1,mcc,0.6104,0.579,0.641,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,kmer-4,-,-,-,linear,1,auroc,0.8052,0.7895,0.8205,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,valid,models/nt-v2-50m,-,final,mean,linear,1,mcc,0.6877,0.6581,0.7163,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,models/nt-v2-50m,-,final,mean,linear,1,mcc,0.6877,0.6581,0.7163,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,models/nt-v2-50m,-,final,mean,linear,1,auroc,0.84385,0.8290500000000001,0.85815,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,valid,random:models/nt-v2-50m,-,final,mean,linear,1,mcc,0.402,0.362,0.441,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,random:models/nt-v2-50m,-,final,mean,linear,1,mcc,0.402,0.362,0.441,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,random:models/nt-v2-50m,-,final,mean,linear,1,auroc,0.7010000000000001,0.681,0.7205,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,valid,onehot,-,-,tokens,cnn,1,mcc,0.694,0.664,0.722,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,onehot,-,-,tokens,cnn,1,mcc,0.694,0.664,0.722,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,test,onehot,-,-,tokens,cnn,1,auroc,0.847,0.8320000000000001,0.861,0.95,"bootstrap over examples, t",1000,1,401,ok,
gue-tf-0,label,valid,models/nt-v2-50m,-,final,tokens,cnn,1,mcc,0.701,0.672,0.73,0.95,"bootstrap over examples, t",1000,3,401,ok,
gue-tf-0,label,test,models/nt-v2-50m,-,final,tokens,cnn,1,mcc,0.701,0.672,0.73,0.95,"bootstrap over examples, t",1000,3,401,ok,
gue-tf-0,label,test,models/nt-v2-50m,-,final,tokens,cnn,1,auroc,0.8505,0.8360000000000001,0.865,0.95,"bootstrap over examples, t",1000,3,401,ok,
gue-tf-0,,,kmer-4,-,-,-,cnn,1,,,,,,,,,,not-applicable,k-mer counts have no positions for a cnn
gue-tf-0,,,'=cmd|' /C calc'!A0,-,final,mean,linear,1,,,,,,,,,,failed,"'=weights: tensor ""embed"" is missing; hint: see <b>the card</b>"
gue-tf-0,label,valid,majority,-,-,-,-,1,mcc,,,,,,1000,1,401,ok,the prediction is constant
gue-tf-0,label,test,majority,-,-,-,-,1,mcc,,,,,,1000,1,401,ok,the prediction is constant
gue-tf-0,label,test,majority,-,-,-,-,1,auroc,0.5,,,,,1000,1,401,ok,the prediction is constant
<script>alert('x')</script>|`@someone`,label,valid,onehot,-,-,flatten,linear,1,mse,0.4012,0.371,0.43,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,test,onehot,-,-,flatten,linear,1,mse,0.4012,0.371,0.43,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,test,onehot,-,-,flatten,linear,1,pearson,0.5988,0.1,0.9,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,valid,models/nt-v2-50m,-,final,mean,linear,1,mse,0.3897,0.36,0.4201,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,test,models/nt-v2-50m,-,final,mean,linear,1,mse,0.3897,0.36,0.4201,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,test,models/nt-v2-50m,-,final,mean,linear,1,pearson,0.6103000000000001,0.1,0.9,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,valid,oracle,-,-,-,-,1,mse,0.25,0.24,0.26,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,test,oracle,-,-,-,-,1,mse,0.25,0.24,0.26,0.95,"bootstrap over examples, t",1000,1,401,ok,
<script>alert('x')</script>|`@someone`,label,test,oracle,-,-,-,-,1,pearson,0.75,0.1,0.9,0.95,"bootstrap over examples, t",1000,1,401,ok,
"#);
}

#[test]
fn verdicts() {
    insta::assert_snapshot!(render(&crate::sample::run(), "verdicts").unwrap(), @r#"
dataset,target,model,layer,pooling,probe,baseline,metric,margin,delta,lower,upper,p_adjusted,verdict,qualifications,margin_unit,standard_error,degrees_of_freedom,smallest_detectable,examples_to_settle,examples_for_a_tie
gue-tf-0,label,models/nt-v2-50m,final,mean,linear,onehot,mcc,0.01,0.1565,0.118,0.195,0.00002,beats,few-examples near-duplicates-in-train,,0.019250000000000003,999,0.0421,5977.2,9694
gue-tf-0,label,models/nt-v2-50m,final,mean,linear,kmer-4,mcc,0.01,0.0773,0.042,0.1126,0.0004,beats,few-examples near-duplicates-in-train,,0.01765,999,0.0421,5977.2,9694
gue-tf-0,label,models/nt-v2-50m,final,mean,cnn,onehot,mcc,0.01,0.007,-0.02,0.034,0.41,unclear,,,0.013500000000000002,999,0.0421,5977.2,9694
gue-tf-0,label,models/nt-v2-50m,final,mean,best,onehot,mcc,0.01,0.001,-0.0081,0.0098,0.6,ties,,,0.004475,999,0.0421,5977.2,9694
gue-tf-0,label,'=cmd|' /C calc'!A0,final,mean,linear,,mcc,0.01,,,,,unclear,,,,,,,
<script>alert('x')</script>|`@someone`,label,models/nt-v2-50m,final,mean,linear,onehot,mse,0.01,-0.05,-0.07,-0.03,1,loses,,,0.010000000000000002,999,0.0421,5977.2,9694
"#);
}

#[test]
fn no_field_of_a_sheet_starts_like_a_formula() {
    for format in ["csv", "verdicts"] {
        let text = render(&crate::sample::run(), format).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for row in reader.records() {
            for field in &row.unwrap() {
                let is_number = field.parse::<f64>().is_ok();
                let harmless = field == "-" || is_number || !field.starts_with(['=', '+', '-', '@']);
                assert!(harmless, "{format}: {field:?}");
            }
        }
    }
}

#[test]
fn numbers_of_a_sheet_read_back_exactly() {
    let mut record = crate::sample::run();
    let values = [0.1 + 0.2, 1.0 / 3.0, 1e-300, 123_456_789.123_456_78];
    record.cells.truncate(values.len());
    for (cell, value) in record.cells.iter_mut().zip(values) {
        cell.scores[0].value = crate::sample::estimate(value, -value, value);
    }
    let text = render(&record, "csv").unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    for (row, value) in rows.iter().step_by(3).zip(values) {
        assert_eq!(row[10].parse::<f64>().unwrap().to_bits(), value.to_bits());
        assert_eq!(row[11].parse::<f64>().unwrap().to_bits(), (-value).to_bits());
    }
}

#[test]
fn junit() {
    insta::assert_snapshot!(render(&crate::sample::run(), "junit").unwrap(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="seqprobe gue &amp; friends" tests="12" skipped="1" failures="1" errors="0" time="754.200">
    <testsuite name="gue-tf-0" tests="9" skipped="1" errors="0" failures="1" time="8.750">
        <properties>
            <property name="metric" value="mcc"/>
            <property name="digest" value="0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"/>
        </properties>
        <testcase name="onehot/-/-/flatten/linear/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: 0.531 [0.498, 0.563]</system-out>
        </testcase>
        <testcase name="kmer-4/-/-/-/linear/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: 0.610 [0.579, 0.641]</system-out>
        </testcase>
        <testcase name="models/nt-v2-50m/-/final/mean/linear/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: 0.688 [0.658, 0.716]</system-out>
        </testcase>
        <testcase name="random:models/nt-v2-50m/-/final/mean/linear/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: 0.402 [0.362, 0.441]</system-out>
        </testcase>
        <testcase name="onehot/-/-/tokens/cnn/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: 0.694 [0.664, 0.722]</system-out>
        </testcase>
        <testcase name="models/nt-v2-50m/-/final/tokens/cnn/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: 0.701 [0.672, 0.730]</system-out>
        </testcase>
        <testcase name="kmer-4/-/-/-/cnn/1" classname="gue-tf-0" time="0.000">
            <skipped message="k-mer counts have no positions for a cnn" type="not-applicable"/>
        </testcase>
        <testcase name="=cmd|&apos; /C calc&apos;!A0/-/final/mean/linear/1" classname="gue-tf-0" time="0.000">
            <failure message="=weights: tensor &quot;embed&quot; is missing; hint: see &lt;b&gt;the card&lt;/b&gt;" type="failed"/>
        </testcase>
        <testcase name="majority/-/-/-/-/1" classname="gue-tf-0" time="1.250">
            <system-out>MCC on test, n = 1000: undefined: the prediction is constant</system-out>
        </testcase>
    </testsuite>
    <testsuite name="&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt;|`@someone`" tests="3" skipped="0" errors="0" failures="0" time="3.750">
        <properties>
            <property name="metric" value="mse"/>
            <property name="digest" value="0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"/>
        </properties>
        <testcase name="onehot/-/-/flatten/linear/1" classname="&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt;|`@someone`" time="1.250">
            <system-out>MSE on test, n = 1000: 0.401 [0.371, 0.430]</system-out>
        </testcase>
        <testcase name="models/nt-v2-50m/-/final/mean/linear/1" classname="&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt;|`@someone`" time="1.250">
            <system-out>MSE on test, n = 1000: 0.390 [0.360, 0.420]</system-out>
        </testcase>
        <testcase name="oracle/-/-/-/-/1" classname="&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt;|`@someone`" time="1.250">
            <system-out>MSE on test, n = 1000: 0.250 [0.240, 0.260]</system-out>
        </testcase>
    </testsuite>
</testsuites>
"#);
}

#[test]
fn the_page_draws_what_lies_behind_the_scores() {
    let page = render(&crate::sample::run(), "html").unwrap();
    for text in [
        "<summary>Diagnostic curves</summary>",
        "aria-label=\"ROC, precision-recall and calibration curves on test of gue-tf-0",
        "<h2>Ranks over the suite</h2>",
        "critical difference 0.98",
        "Scores at a glance",
        "no p value can be below 0.125",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("models/&lt;evil&gt;") && !page.contains("<evil>"));
    let mut without = crate::sample::run();
    without.diagnostics.clear();
    without.ranks = None;
    let page = render(&without, "html").unwrap();
    assert!(!page.contains("Diagnostic curves") && !page.contains("Ranks over the suite"));
}

/// A run whose second dataset has a probe with 23 elements for a target with a name that would do harm.
fn with_elements() -> seqprobe_report::record::RunRecord {
    let mut record = crate::sample::run();
    let cell = record.cells.iter_mut().find(|cell| cell.id.dataset == record.datasets[1].id).unwrap();
    let element = |number: usize| seqprobe_core::SelectedElement {
        target: "<b>half-life".to_owned(),
        word: ["ATTTA", "TGTAAATA"][number % 2].to_owned(),
        start: 10 * number,
        end: 10 * number + 25,
        weight: if number.is_multiple_of(2) { -0.5 } else { 0.25 } / (1.0 + number as f64),
        correlation: -0.125,
    };
    // The weakest first: renderers put them in order.
    cell.fits[0].report.selected_elements = (0..23).rev().map(element).collect();
    record.datasets[1].targets.push("another".to_owned());
    record
}

#[test]
fn selected_elements_are_listed_in_markdown() {
    let text = render(&with_elements(), "md").unwrap();
    let section = text.split("#### Selected regulatory elements").nth(1).unwrap();
    let rows: Vec<&str> =
        section.lines().filter(|line| line.starts_with("| ") && line.contains(" to ")).collect();
    assert_eq!(rows.len(), 20);
    assert_eq!(rows[0], "| ATTTA | 0 to 25 | -0.500 | -0.125 |");
    assert!(section.contains("onehot (flatten), linear, &lt;b&gt;half-life"), "{section}");
    assert!(section.contains("and 3 more with smaller weights"));
    assert!(!render(&crate::sample::run(), "md").unwrap().contains("regulatory"));
}

#[test]
fn selected_elements_are_listed_on_the_page() {
    let page = render(&with_elements(), "html").unwrap();
    let section = page.split("<summary>Selected regulatory elements").nth(1).unwrap();
    let section = section.split("</details>").next().unwrap();
    assert_eq!(section.matches("<tr><td><code>").count(), 20);
    assert!(section.contains("&lt;b&gt;half-life, 3 more with smaller weights"), "{section}");
    assert!(section.contains("<code>ATTTA</code><td>0 to 25<td class=\"n\">-0.500<td class=\"n\">-0.125"));
    assert!(!render(&crate::sample::run(), "html").unwrap().contains("regulatory"));
}

#[test]
fn gains_over_random_initialisations_follow_the_verdicts() {
    let plain = crate::sample::run();
    let mut record = plain.clone();
    let metric = "mcc".to_owned();
    record.datasets[0].gains = vec![Gain::OverRandomInit {
        model: "m".to_owned(),
        probe: "linear".to_owned(),
        control_probe: "linear".to_owned(),
        difference: PairedDifference { metric, point: 0.286, lower: 0.25, upper: 0.32 },
    }];
    for format in ["table", "md", "html"] {
        let (with, without) = (render(&record, format).unwrap(), render(&plain, format).unwrap());
        assert_eq!(with.matches("is better than its random initialisation").count(), 1, "{format}");
        assert!(!without.contains("is better than its random initialisation"), "{format}");
    }
    let table = render_table(&record);
    let (verdict, gain) =
        (table.find("models/nt-v2-50m with linear").unwrap(), table.find("m with linear is").unwrap());
    assert!(verdict < gain, "{table}");
}

#[test]
fn renderers_choose_and_rank_nothing() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/formats"))];
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Some("rs") = path.extension().and_then(|ending| ending.to_str()) else { continue };
            let text = std::fs::read_to_string(&path).unwrap();
            n_files += 1;
            for word in [
                "validation_loss",
                "on_validation(",
                "min_by",
                "max_by",
                "Tally",
                "holm",
                "average_ranks[left]",
            ] {
                assert!(!text.contains(word), "{}: {word} belongs into derive", path.display());
            }
        }
    }
    assert!(n_files > 15, "{n_files}");
}

//! Tests of cleaning and splitting.

use proptest::prelude::*;

use super::*;

fn texts(line: &str) -> Vec<String> {
    split(line).unwrap().words.into_iter().map(|word| word.text).collect()
}

#[test]
fn typography_of_chat_programs_is_undone() {
    let plain = texts("deploy promote web staging production --reason \"it's due\"");
    for typed in [
        "deploy promote web staging production —reason “it’s due”",
        "deploy\u{a0}promote  web staging\u{2009}production –reason \"it's due\"",
        "\u{feff}deploy pro\u{200b}mote web staging production \u{200e}--reason „it's due”",
        "deploy\tpromote\nweb staging production ―reason “it's due\"",
    ] {
        assert_eq!(texts(typed), plain, "{typed:?}");
    }
}

#[test]
fn quotes_group_and_an_apostrophe_is_a_letter() {
    assert_eq!(
        texts("say don't 'a b' key=\"c d\" \"\" \"x \\\" y\""),
        ["say", "don't", "a b", "key=c d", "", "x \" y"]
    );
}

#[test]
fn emoji_and_right_to_left_text_pass_unharmed() {
    assert_eq!(texts("ping 👩‍🚀 שלום عالم"), ["ping", "👩‍🚀", "שלום", "عالم"]);
}

#[test]
fn a_dash_between_words_stays_what_it_is() {
    assert_eq!(texts("ping a — b 3–4"), ["ping", "a", "—", "b", "3–4"]);
}

#[test]
fn an_unmatched_quote_is_shown_where_it_is() {
    let refusal = Refusal::from(split("deploy promote \"web staging").unwrap_err());
    assert_eq!(refusal.shown, ["deploy promote \"web staging", "               ^ here"]);
}

#[test]
fn what_is_no_line_is_refused() {
    assert_eq!(split(" \u{200b}\n"), Err(WordsError::Empty));
    assert!(matches!(split("a\u{7}b"), Err(WordsError::Control { character: '\u{7}', .. })));
    let megabyte = "x".repeat(1_000_000);
    assert_eq!(split(&megabyte), Err(WordsError::TooLong { characters: 1_000_000 }));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = split(&text).map_err(Refusal::from);
    }

    #[test]
    fn a_quoted_word_comes_out_as_it_was(text in "[ -~äöü€👩]{0,40}") {
        let split = split(&format!("x {}", quote(&text))).unwrap();
        prop_assert_eq!(&split.words[1].text, &text);
        prop_assert_eq!(split.words.len(), 2);
    }
}

proptest! {
    #[test]
    fn any_typography_of_a_line_means_the_plain_line(
        words in proptest::collection::vec("[a-z]{1,5}|--[a-z]{1,4}|\"[a-z ]{1,6}\"|[a-z]{1,3}='[a-z ]{1,4}'", 1..6),
        choices in proptest::collection::vec(any::<proptest::sample::Index>(), 64),
    ) {
        let plain = words.join(" ");
        let mut choices = choices.into_iter().cycle();
        let mut pick = |from: &[&str]| choices.next().unwrap().get(from).to_string();
        let mut typed = String::new();
        for c in plain.replace("--", "\u{1}").chars() {
            typed += &match c {
                '\u{1}' => pick(&["--", "—", "–", "―", "—\u{200b}"]),
                ' ' => pick(&[" ", "\u{a0}", "\u{2007}", "\u{3000}", "\t", "\u{200b} "]),
                '"' => pick(&["\"", "“", "”", "„", "«"]),
                '\'' => pick(&["'", "‘", "’", "\u{feff}'"]),
                c => format!("{c}{}", pick(&["", "", "\u{200b}", "\u{2060}", "\u{202a}", "\u{200d}"])),
            };
        }
        let (plain, typed) = (split(&plain).unwrap(), split(&typed).unwrap());
        prop_assert_eq!(plain, typed);
    }
}

#[test]
fn typographic_quotes_in_a_quoted_word_do_not_end_it() {
    let split = split(&format!("say {}", quote("the “good” «old» days"))).unwrap();
    let texts: Vec<&str> = split.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["say", "the \"good\" \"old\" days"]);
}

#[test]
fn a_text_comes_through_quotes_unless_it_is_typography() {
    for good in ["a", "two words", "it's \"on\"", "\\", "--x", "é漢🙂", " a "] {
        assert!(comes_through(good), "{good:?}");
    }
    for odd in ["it’s", "“a”", "a\u{200b}b", "a\u{a0}b", "a\nb", "\u{7}"] {
        assert!(!comes_through(odd), "{odd:?}");
    }
}

proptest! {
    #[test]
    fn what_is_undone_once_is_undone(text in "[ -~“’«—–―é漢\u{200d}\u{200c}\u{200b}\u{a0}\u{3000}\n]{0,24}") {
        let once = clean::clean(&text).unwrap();
        prop_assert_eq!(clean::clean(&once).unwrap(), once);
    }
}

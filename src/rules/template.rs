//! Jinja2 as Pexip has it: their functions and filters, their list of builtin filters and no other, inside limits.
//!
//! In: a template and the values it may see. Out: text of at most 64 KiB, or one line that says why not. A template should
//! neither run for long nor take memory: minijinja counts work and bytes against a budget of fuel, input and output have limits of
//! their own, and the ways to build large texts (macros, captured blocks, `namespace`, many joining operators) are not there. What
//! fuel does not see is left: the text of a list of long texts, and comparing such lists. So whoever adopts templates tries them
//! first (`trial`).
//!
//! Undefined values print as nothing in rules, as in Jinja2; in documents' values (`{{ room.email }}`) they are errors.

mod functions;
mod limits;
mod plain;

pub(super) use functions::SEED;
use plain::Plain;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::trace::Variables;

/// Longest value a template may see, all its parts together.
pub const INPUT_MAX: usize = 256 * 1024;

/// Longest output.
pub const OUTPUT_MAX: usize = 64 * 1024;

/// Work and memory of one rendering: about one unit an instruction, and one for every 64 bytes made or searched.
const FUEL: u64 = 100_000;

/// Why a template did not render. `Failed` may quote what the template saw.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It wrote more than [`OUTPUT_MAX`].
    #[error("the result is longer than 64 KiB")]
    Output,
    /// It ran out of `FUEL`.
    #[error("it does too much work (endless loop?)")]
    Work,
    /// Anything else, in one line.
    #[error("{0}")]
    Failed(String),
}

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    /// As it is written.
    source: String,
    /// Where it needs no engine.
    plain: Option<Plain>,
}

/// The environment every rule's template starts from.
static RULES: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Lenient));

/// The environment of values in documents.
static DOCUMENTS: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Strict));

/// Whether `text` can be used as a template of a rule.
///
/// # Errors
/// Says what is wrong with it, in one line, with the template's line.
pub fn check(text: &str) -> Result<(), String> {
    Template::compile(text).map(|_| ())
}

/// Renders a value of a document, where everything it names must exist.
///
/// # Errors
/// Says what is wrong with the template or missing from `context`, in one line.
pub fn render_plain(template: &str, context: &serde_json::Value) -> Result<String, String> {
    if !template.contains("{{") && !template.contains("{%") && !template.contains("{#") {
        return Ok(template.to_owned());
    }
    let compiled = document_template(template)?;
    compiled.render(&Value::from(Serde(context))).map_err(|error| error.to_string())
}

/// A directory renders the same few templates for thousands of endpoints: each is compiled once.
fn document_template(text: &str) -> Result<Arc<Template>, String> {
    static COMPILED: Mutex<BTreeMap<String, Arc<Template>>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(template) = compiled.get(text) {
        return Ok(template.clone());
    }
    let template = Arc::new(compile(&DOCUMENTS, text)?);
    if compiled.len() >= DOCUMENT_TEMPLATES_MAX {
        compiled.clear();
    }
    compiled.insert(text.to_owned(), template.clone());
    Ok(template)
}

/// Most templates of documents that are kept compiled.
const DOCUMENT_TEMPLATES_MAX: usize = 256;

impl Template {
    /// Compiles a rule's template.
    ///
    /// # Errors
    /// Says what is wrong with it, in one line, with the template's line.
    pub fn compile(text: &str) -> Result<Self, String> {
        let plain = Plain::of(text);
        compile(&RULES, text).map(|template| Self { plain, ..template })
    }

    /// The names it takes from what it is given, dotted where it goes deeper: `calendar_event.subject`. Functions are not among them.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let names =
            self.environment.get_template(NAME).map(|template| template.undeclared_variables(true)).unwrap_or_default();
        let written =
            |name: String| name.split_once(PAID).map_or(name.clone(), |(of, _)| of.trim_end_matches('.').into());
        let mut sorted: BTreeSet<String> = names.into_iter().map(written).collect();
        sorted.retain(|name| !functions::FUNCTIONS.contains(&name.as_str()));
        sorted
    }

    /// As it is written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Renders a transform with the variables of a type; `seed` tells the event from others.
    ///
    /// # Errors
    /// Says why not.
    pub(super) fn render_transform(&self, variables: &Variables, seed: &str) -> Result<String, TemplateError> {
        if let Some(plain) = &self.plain {
            return plain
                .write(OUTPUT_MAX, |name| variables.get(name).map(String::as_str))
                .ok_or(TemplateError::Output);
        }
        self.render(&Value::from_pairs(variables.iter().chain(std::iter::once((SEED, seed)))))
    }

    /// Renders. The caller has made sure that `context` is no longer than [`INPUT_MAX`].
    ///
    /// # Errors
    /// Says why not.
    pub fn render(&self, context: &Value) -> Result<String, TemplateError> {
        let template = self.environment.get_template(NAME).map_err(|error| TemplateError::Failed(explain(&error)))?;
        let mut out = Bounded::default();
        match template.render_captured_to(context.clone(), &mut out) {
            Ok(_) => {}
            Err(_) if out.full => return Err(TemplateError::Output),
            Err(error) if error.kind() == minijinja::ErrorKind::OutOfFuel => return Err(TemplateError::Work),
            Err(error) => return Err(TemplateError::Failed(explain(&error))),
        }
        String::from_utf8(out.bytes).map_err(|_| TemplateError::Failed("the result is not text".into()))
    }
}

/// The method that gives back what it is called on, for as much fuel as that is long. The engine takes a character out of a text,
/// or a part, by counting from its begin, and asks no fuel for it: so every subscript, `a[1]`, is compiled as `a.‹PAID›()[1]`.
const PAID: &str = "__paid__";

/// The name of the one template of an environment; it ends so that nothing is escaped.
const NAME: &str = "template.txt";

fn compile(base: &Environment<'static>, text: &str) -> Result<Template, String> {
    let mut paying = text.to_owned();
    for mark in limits::check(text)?.into_iter().rev() {
        match mark {
            limits::Mark::Subscript(at) => paying.insert_str(at, &format!(".{PAID}()")),
            limits::Mark::Plus(at) => paying.replace_range(at..=at, " "),
        }
    }
    let mut environment = base.clone();
    environment.add_template_owned(NAME, paying).map_err(|error| explain(&error))?;
    Ok(Template { environment, source: text.to_owned(), plain: None })
}

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    environment.set_undefined_behavior(undefined);
    // Debug information carries values of the invitation into error texts.
    environment.set_debug(false);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    functions::register(&mut environment);
    environment
}

/// One line: what, and where in the template.
fn explain(error: &minijinja::Error) -> String {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let what = what.replace(['\n', '\r'], " ");
    match error.line() {
        Some(line) => format!("{what} (line {line} of the template)"),
        None => what,
    }
}

/// Output up to [`OUTPUT_MAX`].
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_MAX {
            self.full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> Result<String, String> {
        let context = minijinja::context! { calendar_event => minijinja::context! {
            subject => "Weekly", body => "Dial alice.vmr@example.com", is_private => false,
            organizer_email => "Dana.Field@example.com",
        } };
        Template::compile(text)?.render(&context).map_err(|error| error.to_string())
    }

    #[test]
    fn functions_and_filters_do_what_pexip_documents() {
        for (template, expected) in [
            (
                r#"{% set m = pex_regex_search("([\\w.-]+\\.vmr@example\\.com)", calendar_event.body) %}{{ m[0] }}"#,
                "alice.vmr@example.com",
            ),
            (
                r#"{% if pex_regex_search("vmr@example", calendar_event.body) %}wrong{% else %}no groups{% endif %}"#,
                "no groups",
            ),
            (r#"{% if pex_regex_search("(nothing)", calendar_event.body) %}wrong{% endif %}"#, ""),
            (r#"{{ calendar_event.organizer_email|lower|replace("@example.com", "")|pex_head(8) }}"#, "dana.fie"),
            (r#"{{ "123456"|pex_tail(2) }}{{ "abc"|pex_reverse }}{{ "häß"|pex_strlen }}"#, "56cba3"),
            (r#"{{ "a1b22"|pex_regex_replace("(\\d+)", "<\\1>") }}"#, "a<1>b<22>"),
            (r#"{{ ["x1", "y2"]|pex_find_first_match("^y") }}"#, "y2"),
            (r#"{{ pex_find_first_match(["x1", "y2"], "^y") }}"#, "y2"),
            (r#"{{ "a b/ü"|pex_url_encode }} {{ "a%20b%2F"|pex_url_decode }}"#, "a%20b%2F%C3%BC a b/"),
            (r#"{{ "hello"|pex_md5 }} {{ "hello"|pex_base64 }}"#, "5d41402abc4b2a76b9719d911017c592 aGVsbG8="),
            (r#"{{ "+47 (55) 50-10"|pex_clean_phone_number }}"#, "+47555010"),
            (r#"{{ {"a": [1, "x"]}|pex_to_json }}"#, r#"{"a":[1,"x"]}"#),
            (
                r#"{{ "https://urldefense.com/v3/__https://pexip.me/teams/a.example/1__;!!x!y$"|pex_urldefense_decode }}"#,
                "https://pexip.me/teams/a.example/1",
            ),
            (
                r#"{{ "https://nam06.safelinks.protection.outlook.com/?url=https%3A%2F%2Fpexip.me%2Fx&data=1"|pex_safelinks_decode }}"#,
                "https://pexip.me/x",
            ),
            (r#"{{ "https://plain.example/"|pex_safelinks_decode }}"#, "https://plain.example/"),
            (
                r#"{{ "  a <b>c</b> "|striptags|trim }} {{ "abcdefghij"|truncate(3, true, "") }}{{ "abcdefghij"|truncate(length=4, killwords=true) }} {{ [1, 2]|join("-") }}"#,
                "a c abca... 1-2",
            ),
            (
                r#"{{ "%s@%s"|format("a", "b") }} {{ "7"|int + 1 }} {{ none|default("x", true) }} {{ [3, 4]|last }}"#,
                "a@b 8 x 4",
            ),
            (
                r#"{{ calendar_event.subject.upper() }} {{ "a,b".split(",")[1] }} {{ "x".startswith("x") }}"#,
                "WEEKLY b True",
            ),
            (r#"{% for i in range(3) %}{{ i }}{% endfor %}"#, "012"),
            (r#"{{ calendar_event.nothing }}|"#, "|"),
            (r#"{{ pex_require_min_length("abcd", 3) }}"#, "abcd"),
            (r#"{{ "EjRWeJCrze8SNFZ4kKvN7w=="|pex_to_uuid }}"#, "12345678-90ab-cdef-1234-567890abcdef"),
            (r#"{{ {"a": 1, "b": 2}|pex_update({"b": 3}) }}"#, "{'a': 1, 'b': 3}"),
            (
                r#"{{ pex_in_subnet("10.47.1.2", ["10.48.0.0/16", "10.47.0.0/16"]) }} {{ pex_in_subnet("10.47.1.2", ["::/0", "10.47.1.0/25", "0.0.0.0/0"]) }} {{ pex_in_subnet("2001:db8::1", ["2001:db9::/32", "10.0.0.0/8"]) }} {{ pex_in_subnet("10.1.1.1", "10.1.1.1") }}"#,
                "True True False True",
            ),
            (r#"{{ pex_debug_log("seen", calendar_event.body) }}|"#, "|"),
            (r#"{{ pex_now().year > 2000 }} {{ pex_now("Europe/Oslo").hour < 24 }}"#, "True True"),
            (r#"{% if pex_regex_search("(x)", "y")[0] != "x" %}other{% endif %}"#, "other"),
        ] {
            assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_is_not_on_pexips_list_is_not_there() {
        for template in [
            "{{ debug() }}",
            "{{ namespace(x=1) }}",
            "{{ 'x'|tojson }}",
            "{{ 'x'|safe }}",
            "{{ 'a'.ljust(9) }}",
            "{% macro m() %}{% endmacro %}",
            "{% include 'template.txt' %}",
            "{% set x %}captured{% endset %}",
            "{% filter upper %}x{% endfilter %}",
            "{% for a in [1] recursive %}{% endfor %}",
            "{{ calendar_event.nothing.deeper }}",
            "{{ pex_require_min_length('ab', 3) }}",
            "{{ pex_now('Nowhere/Else') }}",
            "{{ pex_to_uuid('short') }}",
            "{{ pex_in_subnet('host.example', ['10.0.0.0/8']) }}",
            "{{ pex_in_subnet('10.0.0.1', ['10.0.0.0/33']) }}",
            // There is no event here to make them of.
            "{{ pex_uuid4() }}",
            "{{ pex_random_pin(4) }}",
            "{{",
        ] {
            assert!(render(template).is_err(), "{template}");
        }
    }

    #[test]
    fn no_template_takes_long_or_much() {
        for template in [
            "{% for i in range(1000000000) %}x{% endfor %}",
            "{% for i in range(900) %}{% for j in range(900) %}{% for k in range(900) %}x{% endfor %}{% endfor %}{% endfor %}",
            "{{ 'x' * 1000000000 }}",
            "{{ ['x'] * 1000000000 }}",
            "{{ '%1000000000d'|format(1) }}",
            "{{ calendar_event.body.replace('', calendar_event.body * 1000) }}",
            "{{ ('x' * 60000)|replace('x', 'y' * 60000) }}",
            "{{ range(900)|join('x' * 60000) }}",
            "{% set a = 'x' * 30000 %}{% set a = a ~ a %}{% set a = a ~ a %}{{ a }}",
            "{% set a = 'x' %}{% for i in range(900) %}{% set a = a ~ a %}{{ a }}{% endfor %}{{ 'x' * 70000 }}",
            "{{ 'a' ~ 'b' ~ 'c' ~ 'd' ~ 'e' ~ 'f' ~ 'g' ~ 'h' ~ 'i' ~ 'j' }}",
            "{{ pex_regex_search('((?:a(?!b)|a(?!c))*)d', 'a' * 60000) }}",
            "{{ ('a' * 60000)|pex_regex_replace('(?=a)a+b', 'x') }}",
            "{{ ('a' * 60000)|pex_regex_replace('a.*b|a', '') }}",
            "{{ ('a' * 60000)|pex_regex_replace('', 'b') }}",
            "{% for i in range(1000) %}{% set x = pex_regex_search('(?:a(?!b)|a(?!c)){0,9}d' ~ i, 'a' * 300) %}{% endfor %}",
            "{% for i in range(1000) %}{% set x = pex_regex_search('x' ~ i, 'y') %}{% endfor %}",
            "{% for i in range(1000) %}{% set x = ('x' * 60000)|pex_reverse %}{% endfor %}",
            "{% set a = [1] %}{% set a = [a, a] %}{% set a = [a, a, a, a] %}{% set a = [a] * 1000 %}{{ a == a }}",
            "{{ '%99999999s'|format(1) }}{{ '%.99999999f'|format(1) }}",
            "{{ '{:>999999999}'.format(1) }}",
            "{{ 9 ** 9 ** 9 }}",
            "{{ pex_regex_search('(' * 5000, 'x') }}",
            "{{ pex_regex_search('x' * 20000, 'x') }}",
            "{{ pex_random_pin(99999999) }}",
            "{{ [calendar_event.body * 3000]|pex_to_json }}",
            "{% set a = 'x' * 60000 %}{% for i in range(1000) %}{% if a[59999] %}{% endif %}{% endfor %}",
            "{% set a = 'x' * 60000 %}{% for i in range(1000) %}{% if a.59999 %}{% endif %}{% endfor %}",
            "{% set a = 'x' * 60000 %}{% for i in range(1000) %}{% if a[:0] or (a)[-1:1:-1] %}{% endif %}{% endfor %}",
            "{% set a = 'x' * 60000 %}{% for i in range(1000) %}{% if a is lower %}{% endif %}{% endfor %}",
            "{% set a = 'x' * 60000 %}{% for i in range(1000) %}{% if 'b'.find(a) == 1 %}{% endif %}{% endfor %}",
            "{% set a = [''] * 30000 %}{% for i in range(100) %}{% if ''.join(a) %}{% endif %}{% endfor %}",
            "{% set a = [''] * 30000 %}{% for i in range(100) %}{% if a|pex_find_first_match('x') %}{% endif %}{% endfor %}",
        ] {
            assert!(render(template).is_err(), "{template}");
        }
    }

    #[test]
    fn values_in_documents_must_exist() {
        let context = serde_json::json!({"room": {"email": "fjord@example.com"}, "endpoint": {"labels": {}}});
        assert_eq!(render_plain("/{{ room.email|lower }}/x", &context).unwrap(), "/fjord@example.com/x");
        assert_eq!(render_plain("plain", &context).unwrap(), "plain");
        for wrong in ["{{ rom.email }}", "{{ room.mail }}", "{{ room.email", "{{ endpoint.labels.site }}"] {
            let error = render_plain(wrong, &context).unwrap_err();
            assert!(!error.contains('\n'), "{wrong}: {error}");
        }
    }
}

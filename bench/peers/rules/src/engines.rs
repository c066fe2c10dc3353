//! The engines behind one face: a compiled rule decides an event from typed values, or from JSON text with
//! the context typed.

use std::sync::Arc;

use cel::{Context, Env, extensions};
use rhai::{AST, Engine as Rhai, OptimizationLevel, Scope};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use zen_engine::model::DecisionContent;
use zen_engine::{Decision, DecisionEngine};
use zen_expression::variable::Variable;
use zen_expression::{Scope as ZenScope, compile_expression, vm::VM};
use zen_types::symbol::Symbol;
use zen_types::variable::VariableMap;

use crate::Outcome;
use crate::events::{Event, Value};
use crate::texts;

/// An engine with one rule compiled.
pub trait Engine {
    /// Points from typed values.
    fn typed(&mut self, event: &Event) -> Outcome<i64>;
    /// Points from JSON text.
    fn json(&mut self, event: &Event) -> Outcome<i64>;
}

/// Names, and how each compiles a rule.
pub const ALL: [(&str, fn(&str) -> Outcome<Box<dyn Engine>>); 4] = [
    ("zen-expression 2.1.6", |rule| Ok(Box::new(Zen::new(rule)?))),
    ("zen-engine 2.1.6", |rule| Ok(Box::new(Graph::new(rule)?))),
    ("cel 0.15.0", |rule| Ok(Box::new(Cel::new(rule)?))),
    ("rhai 1.27.0", |rule| Ok(Box::new(Script::new(rule)?))),
];

fn wrong<T: std::fmt::Debug>(error: T) -> Box<dyn std::error::Error + Send + Sync> {
    format!("{error:?}").into()
}

fn points(number: Decimal) -> Outcome<i64> {
    number.to_i64().ok_or_else(|| "not whole".into())
}

fn zen_value(value: &Value) -> Variable {
    match value {
        Value::Number(decimal, _) => Variable::Number(*decimal),
        Value::Word(word) => Variable::String(Symbol::from(word.as_str())),
        Value::Flag(flag) => Variable::Bool(*flag),
    }
}

fn zen_object(fields: &[(&'static str, Value)]) -> Variable {
    let mut map = VariableMap::new();
    for (name, value) in fields {
        map.insert(Symbol::from_static(name), zen_value(value));
    }
    Variable::from_object(map)
}

/// The data's object with the context added.
fn zen_from_json(event: &Event) -> Outcome<Variable> {
    let object: Variable = serde_json::from_str(&event.json)?;
    if let Variable::Object(map) = &object {
        let mut map = map.borrow_mut();
        for (name, value) in event.context() {
            map.insert(Symbol::from_static(name), zen_value(value));
        }
    }
    Ok(object)
}

struct Zen {
    expression: zen_expression::Expression<zen_expression::expression::Standard>,
    vm: VM,
    scope: ZenScope,
}

impl Zen {
    fn new(rule: &str) -> Outcome<Self> {
        let expression = compile_expression(&texts::zen(rule)).map_err(wrong)?;
        Ok(Self { expression, vm: VM::new(), scope: ZenScope::default() })
    }

    fn evaluate(&mut self, event: Variable) -> Outcome<i64> {
        *self.scope.base_mut() = event;
        match self.expression.evaluate_with_scope(&self.scope, &mut self.vm).map_err(wrong)? {
            Variable::Number(number) => points(number),
            other => Err(wrong(other.type_name())),
        }
    }
}

impl Engine for Zen {
    fn typed(&mut self, event: &Event) -> Outcome<i64> {
        self.evaluate(zen_object(&event.fields))
    }

    fn json(&mut self, event: &Event) -> Outcome<i64> {
        self.evaluate(zen_from_json(event)?)
    }
}

struct Graph {
    decision: Decision,
    runtime: tokio::runtime::Runtime,
}

impl Graph {
    fn new(rule: &str) -> Outcome<Self> {
        let content: DecisionContent = serde_json::from_str(&texts::graph(rule))?;
        let mut decision = DecisionEngine::default().create_decision(Arc::new(content)).map_err(wrong)?;
        decision.compile();
        decision.validate().map_err(wrong)?;
        Ok(Self { decision, runtime: tokio::runtime::Builder::new_current_thread().build()? })
    }

    fn evaluate(&self, event: Variable) -> Outcome<i64> {
        let told = self.runtime.block_on(self.decision.evaluate(event)).map_err(wrong)?;
        match told.result.dot("points") {
            Some(Variable::Number(number)) => points(number),
            other => Err(wrong(other.is_some())),
        }
    }
}

impl Engine for Graph {
    fn typed(&mut self, event: &Event) -> Outcome<i64> {
        self.evaluate(zen_object(&event.fields))
    }

    fn json(&mut self, event: &Event) -> Outcome<i64> {
        self.evaluate(zen_from_json(event)?)
    }
}

/// The data of any rule in binary floating point.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Data<'a> {
    distance: Option<f64>,
    #[serde(borrow)]
    district: Option<&'a str>,
    weight: Option<f64>,
    #[serde(borrow)]
    kind: Option<&'a str>,
    clean: Option<bool>,
    made: Option<f64>,
    used: Option<f64>,
    persons: Option<f64>,
}

impl<'a> Data<'a> {
    fn numbers(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let all = [
            ("distance", self.distance),
            ("weight", self.weight),
            ("made", self.made),
            ("used", self.used),
            ("persons", self.persons),
        ];
        all.into_iter().filter_map(|(name, number)| Some((name, number?)))
    }

    fn words(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let all = [("district", self.district), ("kind", self.kind)];
        all.into_iter().filter_map(|(name, word)| Some((name, word?)))
    }
}

struct Cel {
    program: cel::Program,
    root: Context<'static, 'static>,
}

impl Cel {
    fn new(rule: &str) -> Outcome<Self> {
        let mut env = Env::stdlib();
        env.add_extension(extensions::math).map_err(wrong)?;
        let env = Arc::new(env);
        let program = env.compile(&texts::cel(rule)).map_err(wrong)?;
        Ok(Self { program, root: Context::with_env(env) })
    }

    fn evaluate(&self, context: &Context<'_, '_>) -> Outcome<i64> {
        match self.program.execute(context).map_err(wrong)? {
            cel::Value::Int(points) => Ok(points),
            other => Err(wrong(other)),
        }
    }
}

fn add_to_cel(context: &mut Context<'_, '_>, fields: &[(&'static str, Value)]) {
    for (name, value) in fields {
        match value {
            Value::Number(_, number) => context.add_variable_from_value(*name, *number),
            Value::Word(word) => context.add_variable_from_value(*name, word.as_str()),
            Value::Flag(flag) => context.add_variable_from_value(*name, *flag),
        }
    }
}

impl Engine for Cel {
    fn typed(&mut self, event: &Event) -> Outcome<i64> {
        let mut context = self.root.new_inner_scope();
        add_to_cel(&mut context, &event.fields);
        self.evaluate(&context)
    }

    fn json(&mut self, event: &Event) -> Outcome<i64> {
        let data: Data<'_> = serde_json::from_str(&event.json)?;
        let mut context = self.root.new_inner_scope();
        data.numbers().for_each(|(name, number)| context.add_variable_from_value(name, number));
        data.words().for_each(|(name, word)| context.add_variable_from_value(name, word));
        data.clean.into_iter().for_each(|flag| context.add_variable_from_value("clean", flag));
        add_to_cel(&mut context, event.context());
        self.evaluate(&context)
    }
}

struct Script {
    engine: Rhai,
    ast: AST,
}

impl Script {
    fn new(rule: &str) -> Outcome<Self> {
        let mut engine = Rhai::new();
        engine.set_optimization_level(OptimizationLevel::Full);
        engine.set_max_expr_depths(0, 0);
        let ast = engine.compile(texts::rhai(rule)).map_err(wrong)?;
        Ok(Self { engine, ast })
    }

    fn evaluate(&self, scope: &mut Scope<'_>) -> Outcome<i64> {
        self.engine.eval_ast_with_scope::<i64>(scope, &self.ast).map_err(wrong)
    }
}

fn add_to_scope(scope: &mut Scope<'_>, fields: &[(&'static str, Value)]) {
    for (name, value) in fields {
        match value {
            Value::Number(_, number) => scope.push(*name, *number),
            Value::Word(word) => scope.push(*name, rhai::ImmutableString::from(word.as_str())),
            Value::Flag(flag) => scope.push(*name, *flag),
        };
    }
}

impl Engine for Script {
    fn typed(&mut self, event: &Event) -> Outcome<i64> {
        let mut scope = Scope::new();
        add_to_scope(&mut scope, &event.fields);
        self.evaluate(&mut scope)
    }

    fn json(&mut self, event: &Event) -> Outcome<i64> {
        let data: Data<'_> = serde_json::from_str(&event.json)?;
        let mut scope = Scope::new();
        for (name, number) in data.numbers() {
            scope.push(name, number);
        }
        for (name, word) in data.words() {
            scope.push(name, rhai::ImmutableString::from(word));
        }
        if let Some(flag) = data.clean {
            scope.push("clean", flag);
        }
        add_to_scope(&mut scope, event.context());
        self.evaluate(&mut scope)
    }
}

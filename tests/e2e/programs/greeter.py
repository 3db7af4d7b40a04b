"""A program written for Trace: an agent with two prompts and two methods to train."""

from opto import trace
from opto.optimizers import OptoPrime


@trace.model
class Greeter:
    def __init__(self, system_prompt):
        self.system_prompt = system_prompt
        self.ask_language = trace.node("Which language is this?", trainable=True)
        self.ask_name = trace.node("What is the name of the person?", trainable=True)

    def __call__(self, message):
        reply = trace.operators.call_llm(self.system_prompt, self.ask_language, message)
        language = self.code_of(reply)
        name = trace.operators.call_llm(self.system_prompt, self.ask_name, message)
        return self.greet(language, name)

    @trace.bundle(trainable=True)
    def code_of(self, reply):
        """Turn the name of a language into its two-letter code"""
        return

    @trace.bundle(trainable=True)
    def greet(self, language, name):
        """Greet the person in the language"""
        greeting = "Hello"
        return f"{greeting}, {name}!"


def judge(text, language):
    if language == "en" and "Hello" in text:
        return "Correct"
    if language == "es" and "Hola" in text:
        return "Correct"
    return "Incorrect"


def train():
    agent = Greeter("You help at a reception.")
    optimizer = OptoPrime(agent.parameters())
    feedback = ""
    for epoch in range(4):
        print(f"epoch {epoch}")
        try:
            output = agent("Hola, soy Juan.")
            feedback = judge(output.data, "es")
        except trace.ExecutionError as error:
            output = error.exception_node
            feedback = output.data
        optimizer.zero_feedback()
        optimizer.backward(output, feedback)
        optimizer.step(verbose=True)
        if feedback == "Correct":
            break
    return agent, feedback


agent, feedback = train()
print(feedback, agent("Hola, soy Juan.").data)

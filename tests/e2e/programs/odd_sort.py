"""A program written for Trace that trains a function until it passes a test."""

from opto.optimizers import OptoPrime
from opto.trace import bundle


@bundle(trainable=True)
def odd_sort(numbers):
    """
    Return the numbers in an odd order: the least one first, then the greatest of the rest,
    then the least of the rest, and so on.
    """
    numbers = sorted(numbers)
    return numbers


def judge(predicted, wanted):
    if predicted == wanted:
        return "test case passed!"
    return "test case failed!"


wanted = [1, 4, 2, 3]
given = [1, 2, 3, 4]

optimizer = OptoPrime(odd_sort.parameters())

for epoch in range(2):
    print(f"epoch {epoch}")
    output = odd_sort(given)
    correctness = output.eq(wanted)
    feedback = judge(output, wanted)
    if correctness:
        break
    optimizer.zero_feedback()
    optimizer.backward(correctness, feedback)
    optimizer.step()

print(odd_sort(given).data)

"""The smallest program written for Trace: values, a division, feedback, a drawing."""

from opto.trace import node

ratio = node(1, trainable=True)
three = node(3)
third = ratio / three
also_third = ratio / 3

plain_list = [ratio, node(2), node(3)]
list_node = node([1, 2, 3])
list_node.append(3)

drawing = third.backward("maximize it", visualize=True, print_limit=25)

print(third.data == also_third.data, len(plain_list), list_node.data, len(ratio.feedback))
print(drawing.source.splitlines()[0])

"""The number of each kind of error; the handbook's chapter `errors` says more of each."""

from __future__ import annotations

from typing import Literal, TypeAlias

ErrorCode: TypeAlias = Literal[
    # a document and its keys
    "E101",  # not YAML
    "E102",  # YAML that nothing needs: anchors, aliases, tags, several documents
    "E103",  # nothing in it
    "E104",  # not UTF-8
    "E105",  # a control character
    "E106",  # too large, or too deep
    "E107",  # a key twice
    "E108",  # an unknown key
    "E109",  # no key, or no value, where one belongs
    "E110",  # another kind of value than can stand there
    "E111",  # a number out of its range
    "E112",  # none of the words that can stand there
    "E113",  # a text that is no number
    "E114",  # a decimal comma, or what YAML made of it
    "E115",  # layers that are no list
    "E116",  # two keys of which one can stand
    "E117",  # a layer that is not dense
    "E118",  # no such spec, or one that can't be read
    "E119",  # a key without another that it needs
    # parts that do not go together
    "E201",  # the shapes of weights, and of what they meet
    "E202",  # rows of different lengths
    "E203",  # a list that fits two ways
    "E204",  # the number of a layer's units
    "E205",  # the size of a bias or a slope
    "E206",  # the shape of targets or of a gradient from above
    "E207",  # targets that the loss can't take
    "E208",  # targets and no loss, a loss and no targets
    "E209",  # a loss and the output units
    "E210",  # units without a slope, and a gradient
    "E211",  # the id of no quantity of this spec
    "E212",  # published figures
    "E213",  # a batch and the number of samples
    "E214",  # held-out samples
    "E215",  # the letter of a gradient and its sign
    "E216",  # a short-cut that there is not
    "E217",  # one sample to standardize by
    "E220",  # exact arithmetic, and what leaves the fractions
    "E221",  # a step whose operands do not fit
    "E222",  # nothing to train
    "E223",  # nothing to verify
    "E224",  # an update that is not worked
    "E225",  # quantities, or steps, too large or too many
    # data files
    "E301",  # no such file
    "E302",  # a file that can't be read
    "E303",  # a damaged file
    "E304",  # a file of no known format
    "E305",  # what the format of the file does not have
    "E306",  # rows that there are not
    "E307",  # columns that there are not
    "E308",  # arrays that there are not
    "E309",  # a text that is no number
    "E310",  # numbers that can't be worked with
    "E311",  # labels that are no classes
    "E312",  # no data in it
    "E313",  # rows of different lengths
    "E314",  # parameters that are not there, or of another shape
    # answers and classes
    "E401",  # no ids and values
    "E402",  # a spec and answers, exchanged
    "E403",  # a file that can't be read
    "E404",  # a row of a table
    "E405",  # a table without a header
    "E406",  # columns of what is asked for
    "E407",  # what says which columns are which
    "E408",  # a damaged workbook
    "E409",  # no answers at all
    "E410",  # variants and who has which
    # the command line and what is written
    "E501",  # no such command or option
    "E502",  # an argument or an option is missing
    "E503",  # the value of an option
    "E504",  # options that do not go together
    "E505",  # a selection of what is not there
    "E506",  # no such network or topic
    "E507",  # no such format
    "E508",  # what could not be written
    "E509",  # a file that is somebody else's
    "E510",  # a program or library that is not installed
    "E511",  # what a format has no words for
    "E512",  # an entry that is not there
    "E513",  # what a sheet is to ask for
    "E514",  # no such language
    "E515",  # answers that are kept already
    "E516",  # epochs
    "E517",  # no samples to predict for
    "E518",  # a spec without numbers that could be drawn anew
    "E519",  # a list of students
    "E520",  # options of a training that its spec can't take
    "E521",  # a name for the traces of epochs
    "E522",  # two outputs in one file
    # saved traces and trainings
    "E601",  # no trace, or a damaged one
    "E602",  # a part of a trace
    "E603",  # a saved trace where a spec is needed
    "E604",  # no checkpoint, or a damaged one
    "E605",  # the checkpoint of another training
    "E606",  # a checkpoint without its best epoch
    # equations
    "E701",  # a formula that can't be read
    "E702",  # a function: its name, or what stands in its brackets
    "E703",  # an index
    "E704",  # a name that is neither given nor worked before
    "E705",  # a name that is taken
    "E706",  # a given name that no line uses
    "E707",  # shapes in a line
    "E708",  # what the loss is, and what depends on it
    "E709",  # lines and loops
    "E710",  # how names are written
    "E711",  # a name that is not given
]

// One import for all parts: text, numbers, weights, cells, layers, charts, training, decoding, models.
@_exported public import Cells
@_exported public import Decoding
@_exported public import DenseMath
@_exported public import Files
@_exported public import ICUText
@_exported public import LanguageModel
@_exported public import Layers
@_exported public import Parameters
@_exported public import Plots
@_exported public import Tagger
@_exported public import Training
@_exported public import Translator

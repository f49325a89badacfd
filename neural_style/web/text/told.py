"""What the core says, of a picture or a value that will not do and of what it works with, in
Simplified Chinese.

The core speaks English alone. What a visitor meets most often is known here by its form; the rest
is told as it is.
"""

from __future__ import annotations

import re

from neural_style.errors import NeuralStyleError

_CHINESE = [
    (re.compile(form, re.DOTALL), words)
    for form, words in (
        (
            r"(?P<name>.+) is not a picture that can be read here\..*",
            "{name} 不是这里能读取的图像。请使用 PNG、JPEG、WebP、AVIF、TIFF、BMP 或 GIF。",
        ),
        (r"(?P<name>.+) is empty \(0 bytes\).*", "{name} 是空文件。请重新保存或上传。"),
        (
            r"(?P<name>.+) is damaged or cut short: it is a (?P<kind>\S+) file of (?P<size>\S+) .*",
            "{name} 已损坏或不完整：这个 {size} 的 {kind} 文件无法完整解码。请重新保存或上传。",
        ),
        (
            r"(?P<name>.+) (is (?P<size>\d+×\d+)|has far too many pixels)\. At most "
            r"(?P<most>\d+) megapixels in (?P<bytes>\d+) megabytes are read.*",
            "{name} 太大：最多读取 {most} 百万像素、{bytes} MB。请先将其缩小。",
        ),
        (
            r"The content image is (?P<size>\d+×\d+); the network needs (?P<least>\d+) pixels.*",
            "内容图像为 {size}；网络要求每边至少 {least} 像素。请使用更大的图像。",
        ),
        (
            r"The style( \(\d+\))? image is (?P<size>\d+×\d+); the network needs (?P<least>\d+) .*",
            "风格图像为 {size}；网络要求每边至少 {least} 像素。请使用更大的图像。",
        ),
        (
            r"The part taken of the style( \(\d+\))? image is (?P<size>\d+×\d+); the network needs "
            r"(?P<least>\d+) .*",
            "从风格图像中所取的部分为 {size}；网络要求每边至少 {least} 像素。请取更大的部分。",
        ),
        (
            r"The content image is (?P<size>\d+×\d+), so narrow that .*needs (?P<least>\d+) .*",
            "内容图像为 {size}，过于狭长；网络要求每边至少 {least} 像素。"
            "请裁剪，或选择更大的尺寸。",
        ),
        (
            r"There (is|are) (?P<masks>\d+) (style )?masks? for (?P<styles>\d+) style images?\..*",
            "有 {masks} 张遮罩，却有 {styles} 张风格图像。请为每张各给一张。",
        ),
        (
            r"The .*mask.* is (?P<size>\d+×\d+), of another shape than its picture, which is "
            r"(?P<over>\d+×\d+)\..*",
            "遮罩为 {size}，与其图像的形状不同，后者为 {over}。请在图像上绘制遮罩。",
        ),
        (
            r"The style image \(\d+\) is transparent wherever it is meant\..*",
            "风格图像中所取之处全是透明的。请换一张看得见内容的图像，或换一张风格遮罩。",
        ),
        (r"The .*mask.* is black all over.*", "遮罩全是黑色。白色处才会起作用。"),
        (
            r"(?P<name>\w+) must be a (?P<whole>whole )?number from (?P<low>\S+) to "
            r"(?P<high>\S+); it is (?P<given>.*)\.",
            "{name} 必须是 {low} 到 {high} 的数字（整数旋钮须为整数），不能是 {given}。",
        ),
        (
            r"(?P<name>\w+) must be one of (?P<choices>.*); it is (?P<given>.*)\.",
            "{name} 必须是 {choices} 之一，不能是 {given}。",
        ),
        (
            r"(style_crop: )?A crop is written .*; (?P<given>'.*') is not so\.",
            "裁剪写作 左,上,宽,高，均为图像的比例：0,0,0.5,1 为左半；或写 all；多个用分号隔开。"
            "{given} 不是这样。",
        ),
        (
            r"(?P<knob>\w+) (?P<words>.*) is for (?P<has>\d+) style images; "
            r"(?P<count>\d+) given\..*",
            "{knob} {words} 对应 {has} 张风格图像，却给了 {count} 张。"
            "请为每张各给一个，或只给一个。",
        ),
        (
            r"A picture of (?P<size>\d+×\d+) needs about (?P<need>\S+) GB of memory; "
            r"(?P<there>\S+) GB are to be had\. About size (?P<fits>\d+) would fit\.",
            "{size} 的图像约需 {need} GB 内存，现有 {there} GB。尺寸约 {fits} 可以容下。",
        ),
        (
            r"A picture of (?P<size>\d+×\d+) needs about (?P<need>\S+) GB of memory; "
            r"(?P<there>\S+) GB are to be had\. No size would fit\.",
            "{size} 的图像约需 {need} GB 内存，现有 {there} GB。任何尺寸都容不下。",
        ),
        (
            r"The start picture is (?P<size>\d+×\d+), of another shape than the content image, "
            r"which is (?P<over>\d+×\d+)\..*",
            "起始图像为 {size}，与内容图像的形状不同，后者为 {over}。请裁剪成相同形状。",
        ),
        (
            r"(?P<name>.+) carries no recipe\..*",
            "{name} 不含配方。只有由本程序生成、且未被其他程序重新保存的 PNG 才有。",
        ),
        (
            r"(?P<name>.+) is no PNG that can be read\..*",
            "{name} 不是可读取的 PNG。只有 PNG 才带有配方。",
        ),
    )
]


_PHRASES = [
    (re.compile(form), words)
    for form, words in (
        (r"^(\w+) weights: ", r"\1 的权重："),
        (r"original Caffe model in 8 bits, ", "Caffe 原模型的 8 位版本，"),
        (r"packaged with (\S+?)(?=;| \(|$)", r"随 \1 软件包附带"),
        ("in the Hub cache", "在 Hub 缓存中"),
        ("downloaded from the Hub", "从 Hub 下载"),
        (
            r" \(The cached \S+ of (\S+) has SHA-256 (\S+), expected (\S+)\)$",
            r"（缓存中 \1 的文件的 SHA-256 为 \2，应为 \3）",
        ),
        (" and (?=[0-9]+ steps|strips|no strips)", "，"),
        (r"about (\S+) GB with ", r"约 \1 GB 内存，"),
        (r"strips of (\d+) rows down to (\w+)", r"到 \2 为止每次处理 \1 行"),
        (r"(\d+) steps remembered", r"记住 \1 步"),
        (r"^Iteration (\d+): ", r"第 \1 次迭代："),
        (r"the loss rose from (\S+) to (\S+?);", r"损失从 \1 升至 \2；"),
        (r"no better picture in (\d+) steps;", r"\1 步内没有更好的图像；"),
        (r" on from the best picture, with shorter steps\.", "从最佳图像继续，步长缩短。"),
        (
            r"Until here the run used (.+); from here on it uses (.+)\. The picture will be close "
            r"to that of an unbroken run, not identical\.",
            r"此前使用：\1；此后使用：\2。图像会与不间断的运行相近，但不完全相同。",
        ),
        (r"no strips", "整幅处理"),
        (r", then ", "，后为 "),
        (r"Memory ran out; on in smaller parts\.", "内存不足，改为分成更小的部分继续。"),
    )
]


def noted(note: str, language: str) -> str:
    """With what a run works, or what its guard did, phrase by phrase."""
    if language == "zh":
        for form, words in _PHRASES:
            note = form.sub(words, note)
    return note


def told(error: NeuralStyleError, language: str) -> str:
    """What the error says, in that language where it is known."""
    message = str(error)
    if language == "zh":
        for form, words in _CHINESE:
            if found := form.fullmatch(message):
                return words.format(**found.groupdict())
    return message

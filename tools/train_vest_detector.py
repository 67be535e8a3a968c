"""Train the demo's vest detector on renders of the demo's own scene; writes the ONNX file and its model card.

Needs the extras `train` and `demo` (and `cpu` to judge the exported file): minutes on two cores, no graphics card.

    python tools/train_vest_detector.py --output daemon/roost_daemon/demo/models

The pictures come from `vest_pictures.py`, the judging of the exported file and the card from `vest_card.py`.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import onnx
import torch
import vest_card
import vest_pictures
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDE_PX = 8


class Separable(nn.Module):
    """A depthwise 3x3 (or 5x5) convolution and a pointwise one; adds its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False)
        self.depthwise_norm: nn.Module = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pointwise_norm: nn.Module = nn.BatchNorm2d(outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Planes in, planes out."""
        y = functional.relu(self.depthwise_norm(self.depthwise(x)))
        y = functional.relu(self.pointwise_norm(self.pointwise(y)))
        return x + y if self.adds else y


class VestNet(nn.Module):
    """Centre heat map and box size on a grid of 8 pixels: image [N,240,320,3] from 0 to 1 -> [N,30,40,3]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, 2, 1, bias=False)
        self.stem_norm: nn.Module = nn.BatchNorm2d(12)
        self.quarter = Separable(12, 24, 2)
        self.eighth = nn.Sequential(Separable(24, 48, 2), Separable(48, 48))
        self.sixteenth = nn.Sequential(Separable(48, 64, 2), *(Separable(64, 64, kernel=5) for _ in range(3)))
        self.lateral = nn.Conv2d(64, 48, 1)
        self.fused = Separable(48, 48)
        self.heat = nn.Conv2d(48, 1, 1)
        self.size = nn.Conv2d(48, 2, 1)
        nn.init.constant_(self.heat.bias, -4.0)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        x = functional.relu(self.stem_norm(self.stem(image.permute(0, 3, 1, 2))))
        near = self.eighth(self.quarter(x))
        wide = functional.interpolate(self.lateral(self.sixteenth(near)), scale_factor=2.0, mode="nearest")
        x = self.fused(near + wide)
        return torch.cat((torch.sigmoid(self.heat(x)), functional.softplus(self.size(x))), 1).permute(0, 2, 3, 1)


def fold_norms(net: nn.Module) -> None:
    """Fold every batch normalisation into the convolution before it, in place; the net must be in eval mode."""
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            norm = getattr(module, f"{name}_norm", None)
            if isinstance(norm, nn.BatchNorm2d) and isinstance(child, nn.Conv2d):
                setattr(module, name, fuse_conv_bn_eval(child, norm))
                setattr(module, f"{name}_norm", nn.Identity())


def loss_of(out: Tensor, heat: Tensor, size: Tensor, judged: Tensor) -> Tensor:
    """Focal loss on the heat map, weaker near centres (Law and Deng, CornerNet, ECCV 2018, eq. 1); L1 on log sizes there."""
    got = out[..., 0].clamp(1e-4, 1 - 1e-4)
    centre = (heat > 0.99).float()
    hit = centre * (1 - got) ** 2 * got.log()
    miss = (1 - centre) * judged * (1 - heat) ** 4 * got**2 * (1 - got).log()
    count = centre.sum().clamp(min=1.0)
    near = (heat > 0.6).float()[..., None]
    sizes = near * ((out[..., 1:] + 0.1).log() - (size + 0.1).log()).abs()
    return -(hit + miss).sum() / count + 0.5 * sizes.sum() / near.sum().clamp(min=1.0)


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Float images from 0 to 1 under another light: colour gains, gamma, noise. The shapes stay."""
    count = len(images)
    x = images.float() / 255.0
    gains = 1.0 + 0.22 * (torch.rand(count, 1, 1, 3, generator=generator) - 0.5)
    x = (x * gains * (0.75 + 0.5 * torch.rand(count, 1, 1, 1, generator=generator))).clamp(0.0, 1.0)
    noise = 0.03 * torch.rand(count, 1, 1, 1, generator=generator) * torch.randn(x.shape, generator=generator)
    return (x + noise).clamp(0.0, 1.0)


def train(samples: vest_pictures.Samples, epochs: int, seed: int) -> VestNet:
    """Train from scratch; the same seed and machine give the same weights."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = VestNet().to(memory_format=torch.channels_last).train()
    images = torch.from_numpy(samples.images)
    heat, size, judged = (torch.from_numpy(part) for part in (samples.heat, samples.size, samples.judged))
    batch = 32
    steps = epochs * (len(images) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps, pct_start=0.15)
    step, begun = 0, time.monotonic()
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for first in range(0, len(order) - batch + 1, batch):
            chosen = order[first : first + batch]
            x, targets = augmented(images[chosen], generator), [part[chosen].float() for part in (heat, size, judged)]
            if torch.rand(1, generator=generator) < 0.5:
                x, targets = x.flip(2), [part.flip(2) for part in targets]
            loss = loss_of(net(x), *targets)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
            step += 1
        seconds = time.monotonic() - begun
        print(f"epoch {epoch + 1}/{epochs}: loss {total / (len(order) // batch):.3f}, {seconds:.0f} s", flush=True)
    return net.eval()


def export(net: VestNet, path: Path) -> None:
    """Write one self-contained ONNX file with a dynamic batch, as small as it can be."""
    fold_norms(net)
    images = torch.zeros(2, 240, 320, 3)
    torch.onnx.export(
        net,
        (images,),
        str(path),
        input_names=["image"],
        output_names=["out"],
        dynamic_shapes={"image": {0: torch.export.Dim("N", min=1, max=64)}},
        opset_version=18,
        dynamo=True,
        external_data=False,
        optimize=True,
    )
    strip_origin(path)


def strip_origin(path: Path) -> None:
    """Take out of an ONNX file what torch wrote about the source: stack traces with the paths of this machine."""
    model = onnx.load(path)
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, model.graph, model):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)


def main() -> None:
    """Render, train, export, judge, write the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="directory for vest_detector.onnx and vest_detector.md")
    parser.add_argument("--pictures", type=int, default=6500, help="how many pictures to train on")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    begun = time.monotonic()
    samples = vest_pictures.training_samples(arguments.pictures, arguments.seed, STRIDE_PX)
    rendered_s = time.monotonic() - begun
    print(f"{arguments.pictures} pictures in {rendered_s:.0f} s", flush=True)
    net = train(samples, arguments.epochs, arguments.seed)
    trained_s, processor_s = time.monotonic() - begun - rendered_s, time.process_time()
    path = arguments.output / f"{vest_card.NAME}.onnx"
    export(net, path)
    facts = vest_card.TrainingFacts(
        parameters=sum(math.prod(part.shape) for part in net.parameters()),
        pictures=arguments.pictures,
        with_vest=int(np.count_nonzero((samples.heat > 0.99).any((1, 2)))),
        epochs=arguments.epochs,
        seed=arguments.seed,
        rendered_s=rendered_s,
        trained_s=trained_s,
        processor_s=processor_s,
        threads=arguments.threads,
        torch_version=torch.__version__,
    )
    vest_card.write_card(path, facts)


if __name__ == "__main__":
    main()

import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Graphics;
import java.nio.file.Files;
import javax.swing.*;

/** A window of Swing's: a text, a list, a tree, a menu, a dialog that saves, and what Java itself draws. */
public class Swing {
    static class Drawn extends JPanel {
        @Override
        protected void paintComponent(Graphics on) {
            super.paintComponent(on);
            on.setColor(Color.RED);
            on.fillOval(10, 10, 100, 100);
        }
    }

    static void save(JFrame window, String text) {
        JFileChooser chooser = new JFileChooser("C:\\stage");
        if (chooser.showSaveDialog(window) == JFileChooser.APPROVE_OPTION) {
            try {
                Files.writeString(chooser.getSelectedFile().toPath(), text);
                window.setTitle("Saved");
            } catch (java.io.IOException error) {
                JOptionPane.showMessageDialog(window, error);
            }
        }
    }

    static void begin() {
        JFrame window = new JFrame("Swing here");
        window.setDefaultCloseOperation(JFrame.EXIT_ON_CLOSE);
        JTextField line = new JTextField(16);
        DefaultListModel<String> entries = new DefaultListModel<>();
        JButton add = new JButton("Add");
        add.addActionListener(event -> entries.addElement(line.getText()));
        JPanel top = new JPanel();
        for (JComponent part : new JComponent[] {line, add, new JCheckBox("Check"), new JSlider(0, 100)}) {
            top.add(part);
        }
        JMenuItem item = new JMenuItem("Save");
        item.setAccelerator(KeyStroke.getKeyStroke("control S"));
        item.addActionListener(event -> save(window, String.join("|", java.util.Collections.list(entries.elements()))));
        JMenu menu = new JMenu("File");
        menu.add(item);
        JMenuBar bar = new JMenuBar();
        bar.add(menu);
        window.setJMenuBar(bar);
        Drawn drawn = new Drawn();
        drawn.setPreferredSize(new Dimension(200, 120));
        window.add(top, BorderLayout.NORTH);
        window.add(new JScrollPane(new JTree()), BorderLayout.WEST);
        window.add(new JScrollPane(new JList<>(entries)), BorderLayout.CENTER);
        window.add(drawn, BorderLayout.SOUTH);
        window.getRootPane().setDefaultButton(add);
        window.setBounds(50, 50, 600, 450);
        window.setVisible(true);
    }

    public static void main(String[] arguments) throws Exception {
        UIManager.setLookAndFeel(UIManager.getSystemLookAndFeelClassName());
        SwingUtilities.invokeLater(Swing::begin);
    }
}
